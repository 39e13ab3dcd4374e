"""What a request and an answer look like on the wire, whoever carries them."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

from mogplex import __version__
from mogplex.client.errors import ConnectionFailed, UnusableValue, quote_body, read_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

API_PATH = "/api/v1/mogplex"
EVENT_STREAM = "text/event-stream"


class Response:
    """A successful answer: `status`, `headers` (lower-case names) and the exact bytes of `body`."""

    __slots__ = ("body", "headers", "status", "url")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes, url: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url

    def read_data(self) -> dict[str, Any]:
        """The envelope's `data`. Raises ConnectionFailed when the answer is not one of a Mogplex server."""
        try:
            envelope = json.loads(self.body)
            data = envelope["data"]
        except (ValueError, TypeError, KeyError):
            kind = self.headers.get("content-type", "no content type")
            raise ConnectionFailed(
                f"what answers at {self.url} is not a Mogplex server ({self.status}, {kind}){quote_body(self.body)}",
                sent=True,
            ) from None
        return data if isinstance(data, dict) else {"items": data}


class Message:
    """A request, ready to be sent: `target` (path and query), `headers`, and the bytes of `content` if any."""

    __slots__ = ("content", "headers", "method", "target")

    def __init__(self, method: str, target: str, headers: dict[str, str], content: bytes | None) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.content = content


class Address:
    """Where the server is, with which key to speak to it, and how its faults are told."""

    def __init__(self, url: str, api_key: str | None) -> None:
        """Raises UnusableValue when the URL or the key can't be used at all."""
        parts = urlsplit(url.strip())
        try:
            port = parts.port
        except ValueError:  # not a number, or too large
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise UnusableValue(f"{url!r} is not a server's URL: write it like http://127.0.0.1:7433")
        if api_key and not is_header_value(api_key):
            raise UnusableValue("the API key holds spaces or characters that no key has: copy it again")
        self.https = parts.scheme == "https"
        self.host = parts.hostname
        self.port = port
        self.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._prefix = parts.path.rstrip("/").removesuffix(API_PATH)
        self.url = f"{self.origin}{self._prefix}"
        self._api_key = api_key

    def write(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Message:
        """A request for `path` below the API's path. None in `query` leaves the name out."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{self._prefix}{API_PATH}{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")
        sent = {"User-Agent": f"mogplex/{__version__}", "Accept": "application/json", **(headers or {})}
        if self._api_key:
            sent["Authorization"] = f"Bearer {self._api_key}"
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body).encode("ascii")
        return Message(method, target, sent, content)

    def check(self, status: int, headers: Mapping[str, str], content: bytes) -> Response:
        """The answer. Raises ApiError for every status but 2xx."""
        if not 200 <= status < 300:
            raise read_error(status, headers, content, self.url)
        return Response(status, headers, content, self.url)

    # --- what went wrong, said the same way by each transport -----------------------------------------------------

    def unreachable(self, reason: object) -> ConnectionFailed:
        return ConnectionFailed(f"can't reach {self.url}: {reason}", sent=False)

    def unanswered(self, reason: object) -> ConnectionFailed:
        return ConnectionFailed(f"{self.url} cut the connection without an answer: {reason}", sent=True)

    def cut(self, reason: object) -> ConnectionFailed:
        return ConnectionFailed(f"the answer of {self.url} was cut: {reason}", sent=True)

    def silent(self, timeout_seconds: float) -> ConnectionFailed:
        return ConnectionFailed(f"{self.url} gave no answer in {timeout_seconds:.0f} s", sent=True, silent=True)

    def not_a_stream(self, kind: str) -> ConnectionFailed:
        return ConnectionFailed(f"{self.url} sent {kind} instead of an event stream", sent=True, silent=True)


def is_header_value(text: str) -> bool:
    """Whether `text` can be sent as a header as it is: visible ASCII, no spaces or line ends."""
    return bool(text) and text.isascii() and all("!" <= character <= "~" for character in text)
