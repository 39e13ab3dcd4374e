"""When a run last gave a sign of life. Whoever sees one says so; the stall watch reads."""

from __future__ import annotations

import time
from collections.abc import Callable

IDLE_SHARE = 0.05  # of a core: programs that only wait use less, programs that work use more


class Activity:
    """Signs of life of one attempt's harness. Safe to touch from any thread.

    Output and model traffic show that it has begun; CPU time alone does not, it only shows that it is not stuck.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.start()

    def start(self) -> None:
        """The harness is started now: time before it does not count as idle."""
        self._last = self._looked = self._clock()
        self._cpu_seconds: float | None = None
        self.begun = False

    def touch(self) -> None:
        """It printed something, or a part of its model traffic passed."""
        self._last = self._clock()
        self.begun = True

    def note_cpu(self, seconds: float | None) -> None:
        """The CPU time that its sandbox has used so far. Call it from time to time; None: not known."""
        now = self._clock()
        if seconds is not None and self._cpu_seconds is not None:
            used = seconds - self._cpu_seconds
            self._last = now if used > IDLE_SHARE * (now - self._looked) else self._last
        self._cpu_seconds, self._looked = seconds, now

    def idle_seconds(self) -> float:
        """Time since the last sign, or since the start."""
        return self._clock() - self._last
