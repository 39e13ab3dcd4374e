"""Requests on aiohttp, for programs with an event loop; every failure becomes a `ClientError`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from mogplex.client.errors import ConnectionFailed
from mogplex.client.wire import EVENT_STREAM, Address, Message, Response

_READ_BYTES = 1 << 20  # an event's line may be long, and aiohttp refuses lines of more than twice this


class AiohttpStream:
    """An open answer that is read line by line."""

    def __init__(self, answer: aiohttp.ClientResponse, url: str) -> None:
        self._answer = answer
        self._url = url

    async def read_line(self, timeout_seconds: float) -> bytes:
        """One line with its newline; b"" at the end. Raises ConnectionFailed when cut or silent for too long."""
        try:
            async with asyncio.timeout(max(timeout_seconds, 0.001)):
                return await self._answer.content.readline()
        except TimeoutError as error:
            raise ConnectionFailed(f"{self._url} was silent", sent=True, silent=True) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ConnectionFailed(f"the connection to {self._url} was cut: {error}", sent=True) from error

    async def close(self) -> None:
        self._answer.close()


class AiohttpTransport:
    """Carries requests to one address. The session is made at the first one; `close` ends it."""

    def __init__(self, address: Address, timeout_seconds: float) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        extra_seconds: float = 0.0,
    ) -> Response:
        """As `Transport.request`."""
        timeout_seconds = self._timeout_seconds + extra_seconds
        message = self._address.write(method, path, query, body, headers)
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await self._send(message)
                try:
                    content = await answer.read()
                except (aiohttp.ClientError, OSError, ValueError) as error:
                    raise self._address.cut(error) from error
                finally:
                    answer.release()
        except TimeoutError as error:
            raise self._address.silent(timeout_seconds) from error
        return self._address.check(answer.status, _lower(answer), content)

    async def open_stream(self, path: str, headers: Mapping[str, str], timeout_seconds: float) -> AiohttpStream:
        """As `Transport.open_stream`."""
        message = self._address.write("GET", path, headers={"Accept": EVENT_STREAM, **headers})
        try:
            async with asyncio.timeout(max(timeout_seconds, 0.001)):
                answer = await self._send(message)
                if 200 <= answer.status < 300 and answer.content_type == EVENT_STREAM:
                    return AiohttpStream(answer, self._address.url)
                try:
                    content = await answer.content.read(65536)
                finally:
                    answer.close()
        except TimeoutError as error:
            raise self._address.silent(timeout_seconds) from error
        self._address.check(answer.status, _lower(answer), content)
        raise self._address.not_a_stream(answer.content_type)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, message: Message) -> aiohttp.ClientResponse:
        if self._session is None:
            # Timeouts are ours, no proxy of the environment stands between, and each request has a connection of its
            # own: as for the other transport. One that was kept may be closed by the server just when a request
            # leaves, and a request that is not repeatable would be lost with it.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                timeout=aiohttp.ClientTimeout(total=None),
                read_bufsize=_READ_BYTES,
            )
        url = URL(f"{self._address.origin}{message.target}", encoded=True)
        sent = {"Accept-Encoding": "identity", **message.headers}
        try:
            return await self._session.request(
                message.method, url, data=message.content, headers=sent, allow_redirects=False
            )
        except aiohttp.ClientConnectorError as error:
            raise self._address.unreachable(error.strerror or error) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._address.unanswered(error) from error


def _lower(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}
