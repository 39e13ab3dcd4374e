"""The stop between a finished sandbox and its first command.

bwrap reads `--block-fd` once all mounts are made and all privileges dropped, and the seccomp program right after. The
block pipe is left full with one packet, so that it turns writable at that very moment: the sandbox is ready. The
seccomp pipe stays empty until the gate is opened. When the worker dies or gives up in between, bwrap reads an empty
program, which the kernel refuses: the command never runs without a filter, a limit or an owner.

Whoever wants to prepare something inside the sandbox's namespaces does it between `wait_ready` and `open`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import termios

_PIPE_BYTES = 4096  # one page: room for a single packet


class Gate:
    """Two pipes; `block_fd` and `seccomp_fd` are the ends for bwrap."""

    def __init__(self) -> None:
        # In packet mode one write fills one slot, and one read, however short, frees it.
        self.block_fd, self._block_write = os.pipe2(os.O_CLOEXEC | os.O_DIRECT)
        fcntl.fcntl(self._block_write, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(self._block_write, False)
        os.write(self._block_write, b"\n")
        self.seccomp_fd, self._seccomp_write = os.pipe2(os.O_CLOEXEC)
        self._waiting: asyncio.Future[None] | None = None

    def detach(self) -> None:
        """Close our copies of bwrap's ends, so that its death shows."""
        for fd in (self.block_fd, self.seccomp_fd):
            if fd >= 0:
                os.close(fd)
        self.block_fd = self.seccomp_fd = -1

    async def wait_ready(self) -> None:
        """Return when the sandbox waits at the gate, or will never come to it. One waiter at a time."""
        if self._block_write < 0:
            return
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        loop.add_writer(self._block_write, self._stop_waiting)
        try:
            await self._waiting
        finally:
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._waiting is None:
            return
        waiting, self._waiting = self._waiting, None
        waiting.get_loop().remove_writer(self._block_write)
        if not waiting.done():
            waiting.set_result(None)

    def is_ready(self) -> bool:
        """Whether the sandbox came to the gate."""
        if self._block_write < 0:
            return False
        waiting = fcntl.ioctl(self._block_write, termios.FIONREAD, b"\0\0\0\0")
        return not any(waiting)  # the packet was read, so all that comes before is done

    def open(self, program: bytes) -> None:
        """Let the command run under the seccomp `program`. Nothing happens once closed or when bwrap has died."""
        if self._seccomp_write < 0:
            return
        try:
            with contextlib.suppress(BrokenPipeError):  # bwrap died; its end is reported by whoever waits for it
                os.write(self._seccomp_write, program)  # about 700 bytes: always fits
        finally:
            self.close()

    def close(self) -> None:
        """Without `open` before it, the command will never run.

        A loop that still watched the descriptor would take the next one of that number for it, and whoever waits for
        that one would wait for ever.
        """
        self._stop_waiting()
        for fd in (self._block_write, self._seccomp_write):
            if fd >= 0:
                os.close(fd)
        self._block_write = self._seccomp_write = -1
