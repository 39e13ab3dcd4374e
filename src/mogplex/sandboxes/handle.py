"""Waiting for file descriptors and for processes that need not be children, without threads or child watchers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal


async def wait_readable(fd: int) -> None:
    """Return once `fd` can be read or has ended. One waiter per descriptor."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(fd, _resolve, ready)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _is_readable(fd: int) -> bool:
    poller = select.poll()  # not select(): that takes no descriptor above 1023
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(0))


class ProcessHandle:
    """A process held by a pidfd: it can be signalled and awaited safely even when its number was given away again.

    For the first process of a PID namespace, `wait_exit` returns only when every process of the namespace is gone.
    """

    def __init__(self, pid: int) -> None:
        """Raises ProcessLookupError when there is no such process."""
        self.pid = pid
        self._fd = os.pidfd_open(pid)  # close-on-exec by definition

    def send(self, number: signal.Signals) -> None:
        """Signal the process; nothing happens when it has ended."""
        if self._fd < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fd, number)

    def has_ended(self) -> bool:
        """Whether the process has ended; while it has not, `pid` is its number and nobody else's."""
        return self._fd < 0 or _is_readable(self._fd)

    async def wait_exit(self) -> None:
        """Return once the process has ended (reaped or not)."""
        if self._fd >= 0:
            await wait_readable(self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
