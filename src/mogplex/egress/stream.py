"""Two ends of a connection, with a limit on how long nothing may happen on either."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

CHUNK_BYTES = 128 * 1024
CLOSE_SECONDS = 2.0
MAX_UNREAD_BYTES = 4 * 1024 * 1024


class Idle:
    """Watches several streams that belong together: a download must not end because nothing is uploaded."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._loop = asyncio.get_running_loop()
        self._seen_at = self._loop.time()

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """The next bytes; empty at the end. Raises TimeoutError when nothing happened for too long."""
        while True:
            try:
                async with asyncio.timeout_at(self._seen_at + self._limit_seconds):
                    data = await reader.read(CHUNK_BYTES)
            except TimeoutError:
                if self._loop.time() < self._seen_at + self._limit_seconds:
                    continue
                raise
            self._seen_at = self._loop.time()
            return data

    async def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Raises TimeoutError when the other end takes nothing for too long."""
        writer.write(data)
        async with asyncio.timeout(self._limit_seconds):
            await writer.drain()
        self._seen_at = self._loop.time()


class Stream:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def end(self) -> None:
        """Say that nothing more will be sent."""
        if self.writer.can_write_eof() and not self.writer.is_closing():
            self.writer.write_eof()

    async def close(self) -> None:
        """Send what is unsent, if the other end takes it soon, and close. Cancelled: close at once."""
        self.writer.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.writer.wait_closed()
        except (OSError, TimeoutError):
            self.abort()  # no more than that is owed to somebody who does not read, or is gone
        except asyncio.CancelledError:
            self.abort()
            raise

    async def drain_unread(self) -> None:
        """Read and drop a little of what still comes: a close with bytes unread would destroy an answer on its way."""
        self.end()
        with contextlib.suppress(OSError, TimeoutError):  # then the answer is lost, which is the other end's loss
            async with asyncio.timeout(CLOSE_SECONDS):
                unread = 0
                while unread < MAX_UNREAD_BYTES and (data := await self.reader.read(CHUNK_BYTES)):
                    unread += len(data)

    def abort(self) -> None:
        """Close without sending what is still unsent."""
        self.writer.transport.abort()


async def pump(source: Stream, target: Stream, idle: Idle, count: Callable[[int], None]) -> None:
    """Copy until the end of `source`, and pass the end on. Raises OSError, TimeoutError."""
    while data := await idle.read(source.reader):
        count(len(data))
        await idle.write(target.writer, data)
    target.end()
