"""One watcher per worker: a query every quarter of a second tells all its runs of cancels and of lost ownership."""

from __future__ import annotations

import asyncio
import logging

from mogplex.domain.ending import Cause
from mogplex.domain.errors import MogplexError
from mogplex.domain.worker import Signal
from mogplex.service.attempts import Attempts
from mogplex.worker.stop import Stop

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.25


class Watcher:
    """Holds the stops of the running attempts, by run id."""

    def __init__(self, attempts: Attempts, worker_id: str) -> None:
        self._attempts = attempts
        self._worker_id = worker_id
        self._stops: dict[str, Stop] = {}

    def add(self, run_id: str, stop: Stop) -> None:
        """Watch a run. An older attempt of it that still plays here was taken for lost: it must end."""
        older = self._stops.get(run_id)
        if older is not None:
            older.lose()
        self._stops[run_id] = stop

    def remove(self, run_id: str, stop: Stop) -> None:
        if self._stops.get(run_id) is stop:
            del self._stops[run_id]

    async def watch(self) -> None:
        """Runs until cancelled. A database that is away is no reason to stop anything: ask again."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            watched = list(self._stops)
            if not watched:
                continue
            try:
                signals = await asyncio.to_thread(self._attempts.signals, self._worker_id, watched)
            except MogplexError as fault:
                log.warning("cannot look for cancels: %s", fault.message)
                continue
            for run_id, signal in signals.items():
                stop = self._stops.get(run_id)
                if stop is not None:
                    _apply(signal, stop)


def _apply(signal: Signal, stop: Stop) -> None:
    if signal is Signal.LOST:
        stop.lose()
    elif signal is Signal.CANCEL_REQUESTED:
        stop.set(Cause.CANCELLED, "The run was cancelled.")
    elif signal is Signal.SUPERSEDED:
        stop.set(Cause.SUPERSEDED, "A newer run of the same branch took its place.")
    elif signal is Signal.SANDBOX_STOP_REQUESTED:
        stop.set(Cause.SANDBOX, "The sandbox was stopped by a caller.")
