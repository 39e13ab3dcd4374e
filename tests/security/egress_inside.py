"""Runs in a sandbox: asks the proxy for what it must not give, and prints what it said as one JSON object.

Arguments: the port of the test's host server, and an address of the machine outside.
"""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import sys
import time

PORT, OUTSIDE = int(sys.argv[1]), sys.argv[2]


def say(raw: bytes, then: bytes = b"") -> tuple[int, str]:
    """Send `raw` to the proxy (and `then` once it answered 200); the status of the answer, and all of the text."""
    with socket.create_connection(("127.0.0.1", 3128), timeout=20) as proxy:
        proxy.sendall(raw)
        answer = bytearray()
        while chunk := proxy.recv(65536):
            answer += chunk
            if then and b"\r\n\r\n" in answer:
                proxy.sendall(then)
                then = b""
    words = answer.split(b" ", 2)
    return (int(words[1]) if len(words) > 1 else 0), answer.decode(errors="replace")


def get(authority: str) -> tuple[int, str]:
    return say(f"GET http://{authority}/hello HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())


def connect(authority: str) -> tuple[int, str]:
    inner = b"GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    return say(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode(), inner)


def reach(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), timeout=5):
            return "connected"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))


def post(*lines: str) -> tuple[int, str]:
    head = [f"POST http://good.test:{PORT}/hello HTTP/1.1", f"Host: good.test:{PORT}", *lines]
    return say("\r\n".join([*head, "", ""]).encode() + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")


def drip() -> float:
    """Seconds until the proxy gave up on a head that never ends."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", 3128), timeout=20) as proxy, contextlib.suppress(OSError):
        proxy.sendall(b"GET http://good.test/ HTTP/1.1\r\n")
        proxy.settimeout(0.1)
        while time.monotonic() - began < 20:
            proxy.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                if not proxy.recv(1000):
                    break
    return time.monotonic() - began


names = ("good", "other", "loop", "ten", "meta", "mapped", "mixed", "rebind", "nowhere", "a.wild", "wild")
outcomes = {f"get {name}": get(f"{name}.test:{PORT}") for name in names}
outcomes |= {f"connect {name}": connect(f"{name}.test:{PORT}") for name in ("good", "other", "loop", "meta")}
outcomes["rebind again"] = get(f"rebind.test:{PORT}")
for host in ("127.0.0.1", "127.0.0.2", "localhost", "127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]"):
    outcomes[f"get {host}"] = get(f"{host}:{PORT}")
    outcomes[f"connect {host}"] = connect(f"{host}:{PORT}")
outcomes["connect 22"] = connect("good.test:22")
outcomes["both lengths"] = post("Content-Length: 5", "Transfer-Encoding: chunked")
outcomes["two lengths"] = post("Content-Length: 5", "Content-Length: 6")
outcomes["folded"] = post("X-Long: a", " b")
outcomes["spaced name"] = post("Transfer-Encoding : chunked")
outcomes["odd coding"] = post("Transfer-Encoding: chunked, identity")
outcomes["dropped length"] = post("Content-Length: 0", "Connection: content-length")
outcomes["other host header"] = say(f"GET http://good.test:{PORT}/ HTTP/1.1\r\nHost: other.test\r\n\r\n".encode())
outcomes["two hosts"] = post("Host: other.test")
outcomes["bare newline"] = say(
    f"GET http://good.test:{PORT}/ HTTP/1.1\r\nHost: good.test:{PORT}\nX: y\r\n\r\n".encode()
)
outcomes["user name"] = get(f"good.test@127.0.0.1:{PORT}")
outcomes["large head"] = post("X: " + "x" * 200_000)
outcomes["not for a proxy"] = say(b"GET / HTTP/1.1\r\nHost: good.test\r\n\r\n")
told = {name: {"status": status, "text": text} for name, (status, text) in outcomes.items()}
direct = {"outside": reach(OUTSIDE, 80), "host server": reach("127.0.0.1", PORT), "cloud": reach("169.254.169.254", 80)}
sys.stdout.write(json.dumps({"told": told, "direct": direct, "dripped": drip()}))
