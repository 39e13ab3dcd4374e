"""Where the time of an attempt goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mogplex.domain.run import Timing


class PhaseClock:
    """Adds up monotonic time by phase (preparing, running, checking); `parts` are single steps of preparing."""

    def __init__(self, queued_ms: int) -> None:
        self._started = time.monotonic()
        self._queued_ms = queued_ms
        self._phases: dict[str, float] = {}
        self.parts: dict[str, int] = {}

    @contextmanager
    def phase(self, name: str, part: str | None = None) -> Iterator[None]:
        """Count the body as `name`; with `part` also note it as a step of its own."""
        begun = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - begun
            self._phases[name] = self._phases.get(name, 0.0) + seconds
            if part is not None:
                self.parts[part] = round(seconds * 1000)

    def timing(self) -> Timing:
        def milliseconds(name: str) -> int | None:
            seconds = self._phases.get(name)
            return None if seconds is None else round(seconds * 1000)

        total = self._queued_ms + round((time.monotonic() - self._started) * 1000)
        return Timing(
            self._queued_ms, milliseconds("preparing"), milliseconds("running"), milliseconds("checking"), total
        )
