"""Traces of ended runs, when OTEL_* variables ask for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import mogplex
from mogplex.domain.errors import NotFound
from mogplex.domain.event import Event
from mogplex.domain.run import Run
from mogplex.service.events import Events
from mogplex.store import runs as run_table
from mogplex.store import traces as trace_table
from mogplex.store.database import Database
from mogplex.traces.exporter import TraceExporter, is_wanted

PAGE_EVENTS = 1000


@contextmanager
def tracing(database: Database, events: Events) -> Iterator[Callable[[str], None]]:
    """Yields what is to be told of each run that ended. Raises BadRequest when the SDK is asked for and not there."""
    if not is_wanted(os.environ):
        yield lambda run_id: None
        return

    def load(run_id: str) -> tuple[Run, Iterable[Event], str | None]:
        with database.read() as tx:
            run = run_table.get(tx, run_id)
            given = trace_table.get(tx, run_id)
        if run is None:
            raise NotFound(f"There is no run {run_id}.")
        return run, _all_events(events, run_id), given

    exporter = TraceExporter(load, mogplex.__version__)
    try:
        yield exporter.export
    finally:
        exporter.close()


def _all_events(events: Events, run_id: str) -> Iterator[Event]:
    after = 0
    while page := events.since(run_id, after, PAGE_EVENTS):
        yield from page
        after = page[-1].seq
