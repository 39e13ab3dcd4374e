"""Looks at a running sandbox from time to time, and ends it when it uses what no kernel limit holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mogplex.domain.ports import Limits
from mogplex.sandboxes.census import list_members, sum_cpu, sum_memory
from mogplex.sandboxes.cgroup import Group
from mogplex.sandboxes.disk import DiskLedger, DiskMeter, DiskUse, Free, look_at_free
from mogplex.sandboxes.status import FirstProcess

TICK_SECONDS = 0.5
_WALK_TICKS = 15  # folders are walked only so often while their file system shows no sign of growth
_WALK_SHARE = 20  # a walk that took t seconds is not repeated before 20 t
_WALK_MARGIN = 4  # a sign of growth: a quarter of the room that was left is gone


@dataclass(frozen=True, slots=True)
class DiskRules:
    """What the disk watchdog allows besides the bytes in the limits."""

    files: int = 1_000_000
    depth: int = 200
    free_bytes: int = 512 * 1024**2  # when less is left on the file system, the largest sandbox is ended
    tick_seconds: float = 2.0


class Watchdog:
    """Memory (where no cgroup holds it) and disk of one sandbox. `end` gets the cause, perhaps repeatedly."""

    def __init__(
        self,
        limits: Limits,
        writable: tuple[Path, ...],
        group: Group | None,
        rules: DiskRules,
        ledger: DiskLedger,
        end: Callable[[str], None],
    ) -> None:
        self._limits = limits
        self._writable = writable
        self._group = group
        self._rules = rules
        self._ledger = ledger
        self._end = end
        self._meter = DiskMeter(writable, rules.files, rules.depth)
        self._next_disk = self._next_walk = 0.0  # monotonic seconds
        self._walked: tuple[DiskUse, tuple[Free, ...]] | None = None
        self.peak_memory_bytes: int | None = None
        self.cpu_seconds = 0.0

    async def watch(self, first: FirstProcess) -> None:
        """Run until cancelled. A sandbox that can't be watched any more is ended, not left alone."""
        try:
            while True:
                if await asyncio.to_thread(self._is_over_memory, first):
                    self._end("memory")
                if self._writable and time.monotonic() >= self._next_disk:
                    await self._look_at_disk()
                await asyncio.sleep(min(TICK_SECONDS, self._rules.tick_seconds))
        except OSError:
            self._end("lost")
            raise
        finally:
            self._ledger.forget(self)

    def _is_over_memory(self, first: FirstProcess) -> bool:
        if self._group is not None:
            return self._group.count_out_of_memory() > 0
        members = list_members(first.namespace)
        memory_bytes = sum_memory(members)
        self.peak_memory_bytes = max(self.peak_memory_bytes or 0, memory_bytes)
        self.cpu_seconds = max(self.cpu_seconds, sum_cpu(members))
        return memory_bytes > self._limits.memory_bytes

    async def _look_at_disk(self) -> None:
        now, free = time.monotonic(), tuple(look_at_free(path) for path in self._writable)
        if now >= self._next_walk or self._may_be_over(free):
            use = await asyncio.get_running_loop().run_in_executor(self._ledger.walker, self._meter.measure)
            self._walked = (use, free)
            took_seconds = time.monotonic() - now
            self._next_walk = now + max(_WALK_TICKS * self._rules.tick_seconds, _WALK_SHARE * took_seconds)
            self._next_disk = time.monotonic() + max(self._rules.tick_seconds, _WALK_SHARE * took_seconds)
            self._ledger.note(self, use.size_bytes)
            over = use.size_bytes > self._limits.disk_bytes or use.files >= self._rules.files
            if over or use.depth >= self._rules.depth:
                self._end("disk")
        else:
            self._next_disk = now + self._rules.tick_seconds
        if any(left.size_bytes < self._rules.free_bytes for left in free) and self._ledger.is_largest(self):
            self._end("disk")

    def _may_be_over(self, free: tuple[Free, ...]) -> bool:
        """Whether the file systems have lost a good part of what this sandbox may still take since the last walk."""
        if self._walked is None:
            return True
        use, before = self._walked
        lost_bytes = max(old.size_bytes - new.size_bytes for old, new in zip(before, free, strict=True))
        lost_files = max(old.files - new.files for old, new in zip(before, free, strict=True))
        return (
            lost_bytes > (self._limits.disk_bytes - use.size_bytes) / _WALK_MARGIN
            or lost_files > (self._rules.files - use.files) / _WALK_MARGIN
        )
