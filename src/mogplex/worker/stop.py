"""Why an attempt must stop. The first cause is kept, and it is recorded before anything is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from mogplex.domain.ending import Cause

T = TypeVar("T")


class Stopped(Exception):
    """Raised inside an attempt when its stop is set while it waits for something."""


class OwnershipLost(Exception):
    """Another worker has the run now: kill everything, write nothing."""


class Stop:
    """Set from the watcher, a timer or the attempt itself; all on the worker's event loop."""

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self.detail = ""
        self.lost = False
        self.delivering = False  # what was begun outside can't be begun anew elsewhere
        self._set = asyncio.Event()

    def set(self, cause: Cause, detail: str) -> None:
        """Record why, and stop; later causes change nothing."""
        self.note(cause, detail)
        self._set.set()

    def note(self, cause: Cause, detail: str) -> None:
        """Record why the attempt must stop, and let what goes on come to its own end; nothing new is begun."""
        if self.cause is None and not self.lost:
            self.cause, self.detail = cause, detail

    def lose(self) -> None:
        """The run belongs to somebody else now."""
        self.lost = True
        self._set.set()

    @property
    def is_set(self) -> bool:
        return self._set.is_set()

    def check(self) -> None:
        """Raises OwnershipLost or Stopped when set, or when a cause was noted."""
        if self.lost:
            raise OwnershipLost
        if self._set.is_set() or self.cause is not None:
            raise Stopped

    async def wait(self) -> None:
        await self._set.wait()

    async def or_result(self, work: Awaitable[T]) -> T:
        """The result of `work`, unless the stop comes first: then `work` is cancelled, awaited, and Stopped raised."""
        task = asyncio.ensure_future(work)
        waiter = asyncio.ensure_future(self._set.wait())
        try:
            await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            self.check()
            raise AssertionError("unreachable: the waiter ended, so the stop is set")
        finally:
            waiter.cancel()
            if not task.done():
                task.cancel()
            await asyncio.gather(task, waiter, return_exceptions=True)
