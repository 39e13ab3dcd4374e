"""One output stream of a sandbox, read straight from its pipe."""

from __future__ import annotations

import asyncio
import os
import weakref

from mogplex.sandboxes.handle import wait_readable

CHUNK_BYTES = 65536  # what a Linux pipe holds


class OutputPipe:
    """An async iterator of byte chunks for one consumer.

    Nothing is buffered on this side: a slow reader leaves the pipe full and so slows the writer down, and a flood
    costs one chunk of memory. The read end is closed at the end of the stream, by `close`, or with the object.
    """

    def __init__(self, ends: tuple[int, int] | None = None) -> None:
        """`ends`: the reading and the writing end of a pipe that is there already."""
        self._fd, self._write_fd = ends or os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._fd, False)
        self._closer = weakref.finalize(self, os.close, self._fd)

    @property
    def write_fd(self) -> int:
        """The end for the command; call `detach` once the command holds it."""
        return self._write_fd

    def detach(self) -> None:
        """Close our copy of the write end, so that the stream ends with its last writer."""
        if self._write_fd >= 0:
            os.close(self._write_fd)
            self._write_fd = -1

    def take(self) -> bytes:
        """What can be read without waiting (one chunk at most); empty when nothing can."""
        if not self._closer.alive:
            return b""
        try:
            return os.read(self._fd, CHUNK_BYTES)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Give up the rest; a writer still alive gets SIGPIPE."""
        self.detach()
        self._closer()

    def __aiter__(self) -> OutputPipe:
        return self

    async def __anext__(self) -> bytes:
        while self._closer.alive:
            try:
                chunk = os.read(self._fd, CHUNK_BYTES)
            except BlockingIOError:
                await wait_readable(self._fd)
                continue
            if not chunk:
                self.close()
                break
            await asyncio.sleep(0)  # a flood must not starve the other tasks of the loop
            return chunk
        raise StopAsyncIteration
