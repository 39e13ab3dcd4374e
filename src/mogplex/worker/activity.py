"""When a run last gave a sign of life. Whoever sees one says so; the stall watch reads."""

from __future__ import annotations

import time
from collections.abc import Callable


class Activity:
    """Signs of life of one attempt's harness. Safe to touch from any thread.

    Output and model traffic are signs that it has begun; CPU time alone is not, it only shows that it is not stuck.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._cpu_seconds = 0.0
        self.begun = False

    def start(self) -> None:
        """The harness is started now: time before it does not count as idle."""
        self._last = self._clock()
        self._cpu_seconds = 0.0
        self.begun = False

    def touch(self) -> None:
        """It printed something, or a byte of its model traffic passed."""
        self._last = self._clock()
        self.begun = True

    def note_cpu(self, seconds: float) -> None:
        """The CPU time that its sandbox has used so far; more than a tenth of a second since the last look is life."""
        if seconds - self._cpu_seconds > 0.1:
            self._cpu_seconds = seconds
            self._last = self._clock()

    def idle_seconds(self) -> float:
        """Time since the last sign, or since the start."""
        return self._clock() - self._last
