"""The head of a request to the proxy, read strictly: whatever two parsers might read differently is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass

import h11

from mogplex.egress.authority import Authority, BadAuthority, read_authority

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
# Between two machines only: never passed on. https://www.rfc-editor.org/rfc/rfc9110#name-connection
HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect"),
    }
)
_BARE_NEWLINE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_FOLDED = re.compile(rb"\r\n[ \t]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FRAMING = {b"content-length", b"transfer-encoding", b"host"}

Headers = list[tuple[bytes, bytes]]


class BadHead(Exception):
    """The request is refused as it stands; `status` is the answer to give."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """`target` is what to ask the host for (`/path?query`), None for a tunnel. `parser` goes on with the body."""

    method: bytes
    authority: Authority
    target: bytes | None
    headers: Headers
    parser: h11.Connection


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next request; None when the client hung up before a whole one. Raises BadHead."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raw = b"x" * (MAX_HEAD_BYTES + 1)
    if len(raw) > MAX_HEAD_BYTES:
        raise BadHead(f"The head of the request is larger than {MAX_HEAD_BYTES:,} bytes.", 431)
    return parse_head(raw)


def parse_head(raw: bytes) -> Head:
    """`raw` ends with the empty line. Raises BadHead."""
    if _BARE_NEWLINE.search(raw) or _FOLDED.search(raw):
        raise BadHead("A line of the head is folded or ends with a bare CR or LF.")
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    try:
        parser.receive_data(raw)
        request = parser.next_event()
    except h11.RemoteProtocolError as error:
        raise BadHead(f"The request is malformed: {error}.", error.error_status_hint) from error
    if not isinstance(request, h11.Request):
        raise BadHead("The request is malformed.")
    _check_framing(request)
    try:
        if request.method == b"CONNECT":
            authority, target = read_authority(request.target.decode("ascii")), None
        else:
            authority, target = _read_absolute(request.target.decode("ascii"))
        _check_host(request, authority)
    except BadAuthority as fault:
        raise BadHead(f"Bad host: {fault}.") from fault
    return Head(request.method, authority, target, [(name, value) for name, value in request.headers], parser)


def _check_framing(request: h11.Request) -> None:
    names = [name for name, _ in request.headers]
    if len(names) > MAX_HEADERS:
        raise BadHead(f"The request has more than {MAX_HEADERS} headers.", 431)
    if request.http_version not in (b"1.0", b"1.1"):
        raise BadHead("Only HTTP/1.0 and HTTP/1.1 are spoken here.", 505)
    if b"content-length" in names and b"transfer-encoding" in names:
        raise BadHead("The request has both Content-Length and Transfer-Encoding.")
    if b"transfer-encoding" in names and request.http_version == b"1.0":
        raise BadHead("Transfer-Encoding is unknown in HTTP/1.0.")
    if request.method == b"CONNECT" and (b"content-length" in names or b"transfer-encoding" in names):
        raise BadHead("CONNECT takes no body.")
    if find_options(request.headers) & _FRAMING:
        raise BadHead("The Connection header names a header that says how the request is read.")


def _read_absolute(target: str) -> tuple[Authority, bytes]:
    if not _SCHEME.match(target):
        raise BadHead("This is a proxy: ask for http://HOST/PATH, or CONNECT HOST:PORT.")
    scheme, _, rest = target.partition("://")
    if scheme.lower() != "http":
        raise BadHead(f"{scheme[:20]}: is not passed on as it is; use CONNECT HOST:PORT for it.")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    path = rest[end:]
    if "#" in path:
        raise BadHead("The request's target holds a fragment.")
    return read_authority(rest[:end], 80), (path if path.startswith("/") else f"/{path}").encode()


def _check_host(request: h11.Request, authority: Authority) -> None:
    """The Host header, where there is one (h11 sees to that), must say what the target says."""
    for name, value in request.headers:
        if name == b"host" and read_authority(value.decode("ascii", "replace"), authority.port) != authority:
            raise BadHead("The Host header names another host than the request's target.")


def find_options(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """The names that the Connection headers list."""
    listed = (value for name, value in headers if name == b"connection")
    return {option.strip().lower() for value in listed for option in value.split(b",")}


def drop_hops(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers that may be passed on."""
    dropped = HOP_BY_HOP | find_options(headers)
    return [(name, value) for name, value in headers if name not in dropped]
