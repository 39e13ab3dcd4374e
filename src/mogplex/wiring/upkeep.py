"""What keeps a database from growing for ever: pruning, once by hand or again and again beside a server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from mogplex.dispatch.dbos_dispatcher import DbosDispatcher
from mogplex.dispatch.scheduler import Ticking
from mogplex.domain.retention import DAY_SECONDS, Retention
from mogplex.service.retention import Counts, Pruner
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.store.migrations import require_current
from mogplex.wiring.adapters import make_blobs

FIRST_SECONDS = 60.0  # after the start: a server that starts has better things to do


def retention_of(settings: Settings) -> Retention:
    """Raises BadRequest for an age that is too low."""
    return Retention(
        events=settings.keep_events_seconds,
        logs=settings.keep_logs_seconds,
        patches=settings.keep_patches_seconds,
        deliveries=settings.keep_deliveries_seconds,
        runs=settings.keep_runs_seconds,
    )


def prune(settings: Settings, retention: Retention | None, *, dry_run: bool) -> Counts:
    """Take away what is older than `retention` (None: than the settings) says; with `dry_run` only count it.

    A server may be running meanwhile. Raises ServiceUnavailable when the database can't be used, or its tables are old.
    """
    with closing(Database(settings.database)) as database:
        require_current(database)
        with closing(DbosDispatcher(database.engine)) as dispatcher:
            pruner = _make_pruner(settings, database, dispatcher)
            wanted = retention or retention_of(settings)
            return pruner.count(wanted) if dry_run else pruner.prune(wanted)


def _make_pruner(settings: Settings, database: Database, dispatcher: DbosDispatcher) -> Pruner:
    return Pruner(database, dispatcher.forget, make_blobs(settings), dispatcher.forget_workers)


@contextmanager
def pruning(settings: Settings, database: Database, dispatcher: DbosDispatcher) -> Iterator[None]:
    """Prunes by the clock while the body runs, if the settings ask for it; workers that are gone for good are forgotten
    in any case. Several servers may do it at once."""
    retention, every_seconds = retention_of(settings), settings.prune_every_seconds
    only_workers = every_seconds is None or retention.is_empty
    every_seconds = every_seconds or DAY_SECONDS
    pruner = _make_pruner(settings, database, dispatcher)
    next_at = time.monotonic() + min(FIRST_SECONDS, every_seconds)

    def prune_when_due() -> None:
        nonlocal next_at
        if time.monotonic() >= next_at:
            next_at = time.monotonic() + every_seconds
            if only_workers:
                pruner.prune_workers()
            else:
                pruner.prune(retention)

    ticking = Ticking("retention", {"pruning": prune_when_due})
    ticking.start()
    try:
        yield
    finally:
        ticking.stop()
