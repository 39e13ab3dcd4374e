"""One POST to somewhere outside, to an address that was checked: no redirect is followed, little is read."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mogplex.egress.address import Reach, Refused, Unresolved
from mogplex.egress.authority import Authority

MAX_ANSWER_BYTES = 4096


class PostFailed(Exception):
    """There is no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after_seconds: float | None


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float, *, reach: Reach) -> Answer:
    """Blocks for `timeout_seconds` in all. Raises PostFailed when the host can't be resolved or may not be dialled, or
    gives no answer in time."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = asyncio.run(reach.find(Authority(parts.hostname, port)))
    except (Unresolved, Refused) as fault:
        raise PostFailed(str(fault)) from fault
    late = threading.Event()
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=timeout_seconds)
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
            connection.request("POST", target, body, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            response.read(MAX_ANSWER_BYTES)
            if late.is_set():  # what was cut off may still read as an answer
                raise TimeoutError(f"not within {timeout_seconds:g} s")
            return Answer(response.status, _read_retry_after(response.getheader("Retry-After")))
    except (OSError, http.client.HTTPException) as fault:
        raise PostFailed(f"{parts.hostname} gave no answer: {fault or type(fault).__name__}") from fault


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


def _read_retry_after(text: str | None) -> float | None:
    """Seconds only; a date is rare, and the usual pause does as well."""
    return float(text) if text and text.isdecimal() else None
