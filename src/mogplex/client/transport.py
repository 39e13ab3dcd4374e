"""One HTTP request at a time on `http.client`, with every failure turned into a `ClientError`."""

from __future__ import annotations

import http.client
import time

from mogplex.client.errors import ConnectionFailed
from mogplex.client.wire import EVENT_STREAM, Address

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from typing import Any

    from mogplex.client.wire import Message, Response


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
    """Carries requests to one address. Keeps no connection between them, so threads may share it."""

    def __init__(self, address: Address, timeout_seconds: float) -> None:
        self._address = address
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
        message = self._address.write(method, path, query, body, headers)
        connection, _ = self._connect(timeout_seconds)
        try:
            answer = self._send(connection, message)
            try:
                content = answer.read()
            except TimeoutError as error:
                raise self._address.silent(timeout_seconds) from error
            except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a broken chunk length
                raise self._address.cut(error) from error
            return self._address.check(answer.status, _lower(answer), content)
        finally:
            connection.close()

    def open_stream(self, path: str, headers: Mapping[str, str], timeout_seconds: float) -> Stream:
        """Open a server-sent event stream. `timeout_seconds` bounds the wait for its head."""
        started = time.monotonic()
        message = self._address.write("GET", path, headers={"Accept": EVENT_STREAM, **headers})
        connection, sock = self._connect(min(self._timeout_seconds, max(timeout_seconds, 0.001)))
        try:
            sock.settimeout(max(timeout_seconds - (time.monotonic() - started), 0.001))
            answer = self._send(connection, message)
            kind = answer.headers.get_content_type()
            if not 200 <= answer.status < 300 or kind != EVENT_STREAM:
                self._address.check(answer.status, _lower(answer), answer.read(65536))
                raise self._address.not_a_stream(kind)
            return Stream(connection, sock, answer, self._address.url)
        except TimeoutError as error:
            connection.close()
            raise self._address.silent(timeout_seconds) from error
        except BaseException:  # whatever it was, Ctrl-C included: no connection may stay open
            connection.close()
            raise

    def _connect(self, timeout_seconds: float) -> tuple[http.client.HTTPConnection, socket.socket]:
        kind = http.client.HTTPSConnection if self._address.https else http.client.HTTPConnection
        connection = kind(self._address.host, self._address.port, timeout=timeout_seconds)
        try:
            connection.connect()
        except OSError as error:
            raise self._address.unreachable(error.strerror or str(error) or type(error).__name__) from error
        return connection, connection.sock

    def _send(self, connection: http.client.HTTPConnection, message: Message) -> http.client.HTTPResponse:
        try:
            connection.request(message.method, message.target, message.content, message.headers)
            return connection.getresponse()
        except TimeoutError as error:
            raise self._address.silent(connection.timeout or 0.0) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._address.unanswered(error) from error


def _lower(answer: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.getheaders()}
