"""One request to somewhere outside, to an address that was checked: no redirect is followed, little is read."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from mogplex.domain.exchange import NoReply, Reply
from mogplex.egress.address import Reach, Refused, Unresolved
from mogplex.egress.authority import Authority

MAX_ANSWER_BYTES = 4096


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float, *, reach: Reach) -> Reply:
    """Send JSON and read little of the answer. Raises NoReply."""
    return exchange(
        "POST", url, {"Content-Type": "application/json", **headers}, body, reach=reach, timeout_seconds=timeout_seconds
    )


def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    reach: Reach,
    timeout_seconds: float,
    answer_bytes: int = MAX_ANSWER_BYTES,
) -> Reply:
    """Blocks for `timeout_seconds` in all. Raises NoReply when the host can't be resolved or may not be dialled, or
    gives no answer in time."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = asyncio.run(reach.find(Authority(parts.hostname, port)))
    except (Unresolved, Refused) as fault:
        raise NoReply(str(fault)) from fault
    late = threading.Event()
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=timeout_seconds)
    connection.default_port = 443 if parts.scheme == "https" else 80  # else Host would name the port
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with contextlib.ExitStack() as held:
            held.enter_context(contextlib.closing(connection))
            sock = _dial(str(addresses[0]), port, parts.hostname, parts.scheme == "https", timeout_seconds)
            connection.sock = sock
            # The socket's own limit is for each read: who sends a byte now and then would hold us for ever.
            deadline = threading.Timer(timeout_seconds, _cut, [sock, late])
            deadline.daemon = True
            deadline.start()
            held.callback(deadline.cancel)
            connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            read = response.read(answer_bytes)
            if late.is_set():  # what was cut off may still read as an answer
                raise TimeoutError(f"not within {timeout_seconds:g} s")
            return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, read)
    except (OSError, http.client.HTTPException) as fault:
        raise NoReply(f"{parts.hostname} gave no answer: {fault or type(fault).__name__}") from fault


def _dial(address: str, port: int, host: str, encrypted: bool, timeout_seconds: float) -> socket.socket:
    dialled = socket.create_connection((address, port), timeout_seconds)
    if not encrypted:
        return dialled
    try:
        return ssl.create_default_context().wrap_socket(dialled, server_hostname=host)
    except BaseException:
        dialled.close()
        raise


def _cut(sock: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):  # closed already
        sock.shutdown(socket.SHUT_RDWR)
