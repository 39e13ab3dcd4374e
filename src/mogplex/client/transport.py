"""One HTTP request at a time on `http.client`, with every failure turned into a `ClientError`."""

from __future__ import annotations

import http.client
import json
import time
from urllib.parse import urlencode, urlsplit

from mogplex import __version__
from mogplex.client.errors import ConnectionFailed, UnusableValue, quote_body, read_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from typing import Any

API_PATH = "/api/v1/mogplex"


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


class Stream:
    """An open answer that is read line by line."""

    def __init__(self, connection: http.client.HTTPConnection, sock: socket.socket, answer: Any, url: str) -> None:
        self._connection = connection
        self._sock = sock
        self._answer = answer
        self._url = url

    def read_line(self, timeout_seconds: float) -> bytes:
        """One line with its newline; b"" at the end. Raises ConnectionFailed when cut or silent for too long."""
        try:
            self._sock.settimeout(max(timeout_seconds, 0.001))
            line: bytes = self._answer.readline()
            return line
        except TimeoutError as error:
            raise ConnectionFailed(f"{self._url} was silent", sent=True, silent=True) from error
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a broken chunk length
            raise ConnectionFailed(f"the connection to {self._url} was cut: {error}", sent=True) from error

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


class Transport:
    """Where the server is and with which key to speak to it."""

    def __init__(self, url: str, api_key: str | None, timeout_seconds: float) -> None:
        """Raises UnusableValue when the URL or the key can't be used at all."""
        parts = urlsplit(url.strip())
        try:
            port = parts.port
        except ValueError:  # not a number, or too large
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise UnusableValue(f"{url!r} is not a server's URL: write it like http://127.0.0.1:7433")
        if api_key is not None and not is_header_value(api_key):
            raise UnusableValue("the API key holds spaces or characters that no key has: copy it again")
        self._https = parts.scheme == "https"
        self._host = parts.hostname
        self._port = port
        self._prefix = parts.path.rstrip("/").removesuffix(API_PATH)
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{self._prefix}"
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        extra_seconds: float = 0.0,
    ) -> Response:
        """Send one request below the API's path and read the whole answer.

        `extra_seconds` is added to the timeout when the server was asked to hold its answer back.
        Raises ApiError for every status but 2xx, ConnectionFailed when there is no answer.
        """
        timeout_seconds = self._timeout_seconds + extra_seconds
        connection, _ = self._connect(timeout_seconds)
        try:
            answer = self._send(connection, method, path, query, body, headers or {})
            try:
                content = answer.read()
            except TimeoutError as error:
                raise self._silent(timeout_seconds) from error
            except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a broken chunk length
                raise ConnectionFailed(f"the answer of {self.url} was cut: {error}", sent=True) from error
            return self._checked(answer, content)
        finally:
            connection.close()

    def open_stream(self, path: str, headers: Mapping[str, str], timeout_seconds: float) -> Stream:
        """Open a server-sent event stream. `timeout_seconds` bounds the wait for its head."""
        started = time.monotonic()
        connection, sock = self._connect(min(self._timeout_seconds, max(timeout_seconds, 0.001)))
        try:
            sock.settimeout(max(timeout_seconds - (time.monotonic() - started), 0.001))
            answer = self._send(connection, "GET", path, None, None, {"Accept": "text/event-stream", **headers})
            kind = answer.headers.get_content_type()
            if not 200 <= answer.status < 300 or kind != "text/event-stream":
                self._checked(answer, answer.read(65536))
                raise ConnectionFailed(f"{self.url} sent {kind} instead of an event stream", sent=True, silent=True)
            return Stream(connection, sock, answer, self.url)
        except TimeoutError as error:
            connection.close()
            raise self._silent(timeout_seconds) from error
        except BaseException:  # whatever it was, Ctrl-C included: no connection may stay open
            connection.close()
            raise

    def _connect(self, timeout_seconds: float) -> tuple[http.client.HTTPConnection, socket.socket]:
        kind = http.client.HTTPSConnection if self._https else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=timeout_seconds)
        try:
            connection.connect()
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise ConnectionFailed(f"can't reach {self.url}: {reason}", sent=False) from error
        return connection, connection.sock

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Mapping[str, object] | None,
        headers: Mapping[str, str],
    ) -> http.client.HTTPResponse:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{self._prefix}{API_PATH}{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")
        sent = {"User-Agent": f"mogplex/{__version__}", "Accept": "application/json", **headers}
        if self._api_key:
            sent["Authorization"] = f"Bearer {self._api_key}"
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body).encode("ascii")
        try:
            connection.request(method, target, content, sent)
            return connection.getresponse()
        except TimeoutError as error:
            raise self._silent(connection.timeout or 0.0) from error
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionFailed(f"{self.url} cut the connection without an answer: {error}", sent=True) from error

    def _checked(self, answer: http.client.HTTPResponse, content: bytes) -> Response:
        headers = {name.lower(): value for name, value in answer.getheaders()}
        if not 200 <= answer.status < 300:
            raise read_error(answer.status, headers, content, self.url)
        return Response(answer.status, headers, content, self.url)

    def _silent(self, timeout_seconds: float) -> ConnectionFailed:
        return ConnectionFailed(f"{self.url} gave no answer in {timeout_seconds:.0f} s", sent=True, silent=True)


def is_header_value(text: str) -> bool:
    """Whether `text` can be sent as a header as it is: visible ASCII, no spaces or line ends."""
    return bool(text) and text.isascii() and all("!" <= character <= "~" for character in text)
