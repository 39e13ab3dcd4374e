"""Whether workers are alive, and what becomes of the runs of those that are not.

The dispatcher's open-source core never moves a dead worker's runs, so the failure detector is ours: a heartbeat row
per worker and a reaper in each of them. Two rules keep it from harming healthy runs: a reaper acts only after its own
heartbeats were unbroken for as long as it grants others (a database outage or our own freeze must not look like
everybody's death), and each takeover is a compare-and-set in the service.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from mogplex.domain.errors import MogplexError
from mogplex.domain.worker import WorkerInfo
from mogplex.service.workers import Reaped, Workers

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0


class Liveness:
    """One thread per worker: beats, calls `tend` (for what must go on whoever is alive), and reaps the runs of workers
    that stopped beating."""

    def __init__(
        self,
        workers: Workers,
        me: WorkerInfo,
        dead_after_seconds: float,
        running: Callable[[], Sequence[str]],
        tend: Callable[[], None] = lambda: None,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._workers = workers
        self._me = me
        self._dead_after_seconds = dead_after_seconds
        self._running = running
        self._tend = tend
        self._beat_seconds = beat_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="mogplex-liveness", daemon=True)

    def start(self, *, alone: bool) -> None:
        """Begin to beat. `alone`: the caller holds the lock on the database, so every other worker is dead."""
        self._beat()
        if alone:
            _tell(self._workers.reap(only_me=self._me.id))
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _beat(self) -> None:
        if not self._workers.beat(self._me.id, len(self._running())):
            self._workers.register(self._me)

    def _keep(self) -> None:
        unbroken_since = last_beat = time.monotonic()
        while not self._stopping.wait(self._beat_seconds):
            try:
                self._beat()
                self._tend()
                now = time.monotonic()
                if now - last_beat > 2 * self._beat_seconds + 1:
                    unbroken_since = now
                last_beat = now
                if now - unbroken_since > self._dead_after_seconds:
                    _tell(self._workers.reap(alive_after_seconds=self._dead_after_seconds))
            except MogplexError as fault:
                log.warning("heartbeat failed: %s", fault.message)
                unbroken_since = time.monotonic()
            except Exception:
                # The thread must outlive any fault: without it this worker's runs would be taken for lost.
                log.exception("heartbeat failed")
                unbroken_since = time.monotonic()


def _tell(settled: Sequence[Reaped]) -> None:
    for reaped in settled:
        log.warning("worker %s was lost; run %s is now %s", reaped.lost_worker_id, reaped.run.id, reaped.run.status)
