"""The wall clock of a run: a warning at 80 %, the stop at the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from mogplex.domain.ending import Cause
from mogplex.domain.event import EventDraft, EventType
from mogplex.worker.stop import OwnershipLost, Stop
from mogplex.worker.transcript import WARNING_SHARE, Transcript


class TimeLimit:
    """Counts from the start of the block until `lift`; after that the checks have limits of their own."""

    def __init__(self, seconds: float, stop: Stop, transcript: Transcript) -> None:
        self._seconds = seconds
        self._stop = stop
        self._transcript = transcript
        self._timer: asyncio.TimerHandle | None = None
        self._warning: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)
        self._warning = asyncio.create_task(self._warn(), name="time limit")
        try:
            yield
        finally:
            self.lift()
            with contextlib.suppress(asyncio.CancelledError, OwnershipLost):  # the attempt learns of it by itself
                await self._warning

    def lift(self) -> None:
        """The harness has ended in time."""
        if self._timer is not None:
            self._timer.cancel()
        if self._warning is not None:
            self._warning.cancel()

    def _end(self) -> None:
        self._stop.set(Cause.TIMED_OUT, f"The run reached its wall-clock limit of {self._seconds:g} s.")

    async def _warn(self) -> None:
        used = WARNING_SHARE * self._seconds
        await asyncio.sleep(used)
        text = f"{used:,.0f} of {self._seconds:,.0f} s are over"
        payload = {"limit": "timeoutSeconds", "used": round(used, 3), "of": self._seconds}
        await self._transcript.add(EventDraft(EventType.BUDGET_WARNING, text, payload=payload))
