"""Takes away what is old, a batch a transaction, so that nobody who works meanwhile waits long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mogplex.domain.retention import DAY_SECONDS, Kept, Retention
from mogplex.service.blobs import Blobs
from mogplex.store import pruning
from mogplex.store import workers as worker_table
from mogplex.store.database import Database

BATCH_RUNS = 100
BATCH_DELIVERIES = 1000
BATCH_WORKERS = 50
BLOBS = "blobs"
WORKERS = "workers"
# After a day nobody asks who that was. One that said no goodbye may be frozen, and has to find itself when it thaws.
LEFT_SECONDS = DAY_SECONDS
SILENT_SECONDS = 30 * DAY_SECONDS
Forget = Callable[[Sequence[str]], None]
Counts = dict[str, int]

_log = logging.getLogger(__name__)


class Pruner:
    """Any number of processes may prune at once: each batch is taken by one of them."""

    def __init__(
        self,
        database: Database,
        forget: Forget = lambda run_ids: None,
        blobs: Blobs | None = None,
        forget_workers: Forget = lambda worker_ids: None,
    ) -> None:
        """`forget` is told of runs whose record is gone, and `forget_workers` of workers that will never come back, so
        that the dispatcher may drop what it knows of them."""
        self._database = database
        self._forget = forget
        self._forget_workers = forget_workers
        self._blobs = blobs or Blobs()

    def count(self, retention: Retention) -> Counts:
        """What `prune` would take away now: runs by kind, webhook messages, workers that are gone, and blobs that no
        row names already."""
        counts = dict.fromkeys(map(str, Kept), 0)
        with self._database.read() as tx:
            for kind, seconds in _wanted(retention):
                count = pruning.count_deliveries(tx, tx.now - seconds) if kind is Kept.DELIVERIES else None
                counts[kind] = pruning.count_runs(tx, kind, tx.now - seconds) if count is None else count
            counts[WORKERS] = worker_table.count_gone(tx, tx.now - LEFT_SECONDS, tx.now - SILENT_SECONDS)
        counts[BLOBS] = self._blobs.sweep(self._database, dry_run=True)
        return counts

    def prune(self, retention: Retention) -> Counts:
        """Take away what is older than it says, and how much that was: runs by kind, webhook messages, workers that
        are gone, and blobs that no row names any more.

        What a fault ends in the middle is gone on with at the next call. Raises ServiceUnavailable.
        """
        counts = dict.fromkeys(map(str, Kept), 0)
        for kind, seconds in _wanted(retention):
            prune = self._prune_deliveries if kind is Kept.DELIVERIES else self._prune_runs
            while taken := prune(kind, seconds):
                counts[kind] += taken
        counts[WORKERS] = self.prune_workers()
        counts[BLOBS] = self._blobs.sweep(self._database)
        if any(counts.values()):
            _log.info("pruned: %s", ", ".join(f"{kind} {count}" for kind, count in counts.items() if count))
        return counts

    def prune_workers(self) -> int:
        """Forget workers that left or fell silent long ago, with all that was handed to them. Returns how many.

        Each start of a worker makes one; what became of a run is in its own record.
        """
        count = 0
        while True:
            with self._database.read() as tx:
                gone = worker_table.find_gone(tx, tx.now - LEFT_SECONDS, tx.now - SILENT_SECONDS, BATCH_WORKERS)
            if not gone:
                return count
            self._forget_workers(gone)  # before the rows: what is cut off here is done again
            with self._database.write() as tx:
                worker_table.remove(tx, gone)
            count += len(gone)

    def _prune_runs(self, kind: Kept, seconds: float) -> int:
        with self._database.write() as tx:
            tx.take_turn("prune")
            run_ids = pruning.find_runs(tx, kind, tx.now - seconds, BATCH_RUNS)
            if run_ids:
                pruning.prune_runs(tx, kind, run_ids)
        if run_ids and kind is Kept.RUNS:
            self._forget(run_ids)
        return len(run_ids)

    def _prune_deliveries(self, kind: Kept, seconds: float) -> int:
        with self._database.write() as tx:
            tx.take_turn("prune")
            return pruning.prune_deliveries(tx, tx.now - seconds, BATCH_DELIVERIES)


def _wanted(retention: Retention) -> list[tuple[Kept, float]]:
    """Records first: what goes with them need not be taken from them before."""
    kinds = (Kept.RUNS, *(kind for kind in Kept if kind is not Kept.RUNS))
    return [(kind, seconds) for kind in kinds if (seconds := retention.seconds_of(kind)) is not None]
