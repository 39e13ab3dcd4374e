"""What the way out costs: bytes through the proxy beside direct ones. What a start costs is measured by sandboxes.py.

    PYTHONPATH=src python benchmarks/egress.py

The ways take turns, so that whatever else the machine does harms both alike. All on loopback, so the ratio is the
worst case: a real network is slower than both. Host and client are threads of this process, as is the proxy's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Sequence
from ipaddress import ip_network

from mogplex.egress.address import Reach
from mogplex.egress.allowlist import AllowList
from mogplex.egress.authority import Authority
from mogplex.egress.proxy import Proxy, Refusal

ROUNDS = 5
REQUESTS = 200
BODY_BYTES = 256 * 1024 * 1024
BLOCK = bytes(1024 * 1024)


def serve_bytes(listener: socket.socket) -> None:
    """Answer each connection's first request with the number of bytes that its path names."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            head = connection.recv(65536)
            left = int(head.split(b" ")[1].strip(b"/"))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % left)
            while left:
                left -= connection.send(BLOCK[:left])


def fetch(port: int, host: str, size_bytes: int, way: str) -> float:
    """Seconds for one body of `size_bytes`, from connect to the end."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        if way == "tunnel":
            connection.sendall(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            connection.recv(4096)
        target = f"http://{host}/{size_bytes}" if way == "plain" else f"/{size_bytes}"
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        received, buffer = 0, bytearray(1024 * 1024)
        while count := connection.recv_into(buffer):
            received += count
    assert received > size_bytes, f"only {received:,} bytes came by the way {way}"
    return time.perf_counter() - began


async def measure_bytes() -> None:
    async def refuse(refusal: Refusal) -> None:
        raise AssertionError(refusal)

    async def resolve(authority: Authority) -> Sequence[str]:
        return ["127.0.0.1"]

    host = socket.create_server(("127.0.0.1", 0), backlog=128)
    host_port = host.getsockname()[1]
    threading.Thread(target=serve_bytes, args=(host,), daemon=True).start()
    name = f"host.test:{host_port}"
    proxy = Proxy(AllowList([name]), refuse, Reach(resolve, (ip_network("127.0.0.1/32"),)))
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.setblocking(False)
    serving = asyncio.create_task(proxy.serve(listener))
    ports = {"direct": host_port, "tunnel": listener.getsockname()[1], "plain": listener.getsockname()[1]}
    for label, size_bytes, count in (("one large body", BODY_BYTES, 1), ("small requests", 1000, REQUESTS)):
        taken: dict[str, list[float]] = {way: [] for way in ports}
        for _ in range(ROUNDS):
            for way, port in ports.items():
                began = time.perf_counter()
                for _ in range(count):
                    await asyncio.to_thread(fetch, port, name, size_bytes, way)
                taken[way].append(time.perf_counter() - began)
        direct = statistics.median(taken["direct"])
        for way, seconds in taken.items():
            middle = statistics.median(seconds)
            speed = f"{size_bytes / middle / 1e6:8.0f} MB/s" if count == 1 else f"{middle / count * 1000:8.2f} ms each"
            print(f"{label}, {way:>6}: {speed}   {direct / middle:5.2f} of direct")
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    host.close()


if __name__ == "__main__":
    asyncio.run(measure_bytes())
