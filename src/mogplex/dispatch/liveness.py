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
from typing import Protocol

from mogplex.domain.errors import MogplexError
from mogplex.service.workers import Workers

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0


class Requeue(Protocol):
    """What the reaper needs of a dispatcher."""

    def requeue(self, run_id: str) -> None: ...

    def withdraw(self, run_id: str) -> None: ...

    def stranded(self, alive: set[str]) -> list[str]: ...


class Liveness:
    """One thread per worker: beats, and reaps the runs of workers that stopped beating."""

    def __init__(self, workers: Workers, requeue: Requeue, worker_id: str, dead_after_seconds: float) -> None:
        self._workers = workers
        self._requeue = requeue
        self._worker_id = worker_id
        self._dead_after_seconds = dead_after_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="mogplex-liveness", daemon=True)

    def start(self, *, alone: bool) -> None:
        """Begin to beat. `alone`: the caller holds the lock on the database, so every other worker is dead."""
        self._workers.beat(self._worker_id)
        if alone:
            self.reap(only_me=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def reap(self, *, only_me: bool = False) -> None:
        """Take over what dead workers left: back into the queue, or ended truthfully."""
        alive = self._workers.alive(None if only_me else self._dead_after_seconds, self._worker_id)
        for reaped in self._workers.reap(alive):
            log.warning("worker %s was lost; run %s is now %s", reaped.worker_id, reaped.run_id, reaped.status)
            if reaped.requeued:
                self._requeue.requeue(reaped.run_id)
            else:
                self._requeue.withdraw(reaped.run_id)
        for run_id in self._requeue.stranded(alive):
            if self._workers.is_pending(run_id):
                log.warning("run %s was handed to a lost worker and never begun; it is queued again", run_id)
                self._requeue.requeue(run_id)

    def _keep(self) -> None:
        unbroken_since = last_beat = time.monotonic()
        while not self._stopping.wait(BEAT_SECONDS):
            try:
                self._workers.beat(self._worker_id)
                now = time.monotonic()
                if now - last_beat > 2 * BEAT_SECONDS + 1:
                    unbroken_since = now
                last_beat = now
                if now - unbroken_since > self._dead_after_seconds:
                    self.reap()
            except MogplexError as fault:
                log.warning("heartbeat failed: %s", fault.message)
                unbroken_since = time.monotonic()
            except Exception:
                # The thread must outlive any fault: without it this worker's runs would be taken for lost.
                log.exception("heartbeat failed")
                unbroken_since = time.monotonic()
