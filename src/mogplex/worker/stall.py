"""Harnesses that never begin, that get stuck, or that stay when all is said: noticed from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mogplex.domain.ending import Cause
from mogplex.worker.activity import Activity
from mogplex.worker.stop import Stop

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a harness may be silent, in seconds.

    `start`: until its first output or model call. `stall`: without output, model traffic and CPU time. `linger`: from
    its last record until it leaves.
    """

    start_seconds: float = 300.0
    stall_seconds: float = 900.0
    linger_seconds: float = 30.0


class StallWatch:
    """Watches one harness while it runs."""

    def __init__(self, deadlines: Deadlines, activity: Activity, stop: Stop) -> None:
        self._deadlines = deadlines
        self._activity = activity
        self._stop = stop

    async def watch(self, cpu_seconds: Callable[[], float | None]) -> None:
        """Runs until cancelled, or until it has stopped the run. `cpu_seconds` tells what was used so far."""
        begun = asyncio.get_running_loop().time()
        while not self._stop.is_set:
            await asyncio.sleep(LOOK_SECONDS)
            self._activity.note_cpu(cpu_seconds())
            limits, now = self._deadlines, asyncio.get_running_loop().time()
            if not self._activity.begun and now - begun > limits.start_seconds:
                why = f"The harness printed nothing and called no model within {limits.start_seconds:g} s of its start."
                self._stop.set(Cause.STALLED, why)
            elif self._activity.idle_seconds() > limits.stall_seconds:
                why = f"No output, no model traffic and no CPU time for {limits.stall_seconds:g} s."
                self._stop.set(Cause.STALLED, why)
