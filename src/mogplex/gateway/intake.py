"""Takes requests in, so many at once and no more: what a sandbox sends must neither fill nor stop the worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from mogplex.domain.model import ModelProtocol
from mogplex.gateway.asked import Asked

MAX_BODY_BYTES = 64 * 1024 * 1024
LONG_BODY_BYTES = 1 << 20  # from here on reading the JSON is noticed by others
CALLS = 64  # that are in memory at once, until they are answered; the next one waits unread
LONG_CALLS = 4  # of these


class BodyTooLong(ValueError):
    """A request has more than MAX_BODY_BYTES."""


class Intake:
    """Of one session."""

    def __init__(self) -> None:
        self._calls = asyncio.Semaphore(CALLS)
        self._long_calls = asyncio.Semaphore(LONG_CALLS)
        self._parsing = asyncio.Lock()

    @asynccontextmanager
    async def take(self, request: web.BaseRequest, protocol: ModelProtocol) -> AsyncIterator[Asked | None]:
        """What is asked (see `Asked.of`), which keeps its place until it is answered. Raises BodyTooLong."""
        async with self._calls, AsyncExitStack() as stack:
            body = bytearray()
            is_long = False
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise BodyTooLong(f"The request has more than {MAX_BODY_BYTES:,} bytes.")
                if len(body) > LONG_BODY_BYTES and not is_long:
                    is_long = True
                    await stack.enter_async_context(self._long_calls)
            whole = bytes(body)
            body.clear()  # not twice for as long as the call takes
            yield await self._read(whole, protocol)

    async def _read(self, body: bytes, protocol: ModelProtocol) -> Asked | None:
        if len(body) <= LONG_BODY_BYTES:
            return Asked.of(body, protocol)
        async with self._parsing:  # one by one: read, it takes many times its size
            return await asyncio.to_thread(Asked.of, body, protocol)
