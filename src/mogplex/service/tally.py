"""Counting starts that made no run: repetitions of one that did, and those that a limit refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec

from mogplex.domain.access import Caller
from mogplex.domain.errors import MogplexError, RateLimited
from mogplex.service.replay import Started
from mogplex.service.repos import find_repo
from mogplex.store import facts
from mogplex.store import runs as run_table
from mogplex.store.database import Database

log = logging.getLogger(__name__)


class StartTally(StrEnum):
    SUPPRESSED = "suppressed"  # the same key and request again: the run was there already
    REFUSED = "refused"  # by the start quota or a full queue


P = ParamSpec("P")


def tallied(start: Callable[P, Started]) -> Callable[P, Started]:
    """Wraps a method of a service that starts runs: `(self, caller, a request or a run's id, …)`, in this order."""

    @wraps(start)
    def counting(*args: P.args, **named: P.kwargs) -> Started:
        service: Any = args[0]
        database: Database = service._database
        try:
            started = start(*args, **named)
        except RateLimited:
            caller, asked = args[1:3]
            assert isinstance(caller, Caller)
            _note(database, StartTally.REFUSED, lambda: _repo_of(database, caller, asked))
            raise
        if started.replayed:
            _note(database, StartTally.SUPPRESSED, lambda: started.run.repo_id)
        return started

    return counting


def _repo_of(database: Database, caller: Caller, asked: Any) -> str:
    with database.read() as tx:
        if isinstance(asked, str):
            run = run_table.get(tx, asked)
            return "" if run is None else run.repo_id
        return find_repo(tx, caller, asked.repo_id).id


def _note(database: Database, kind: StartTally, find_repo_id: Callable[[], str]) -> None:
    try:
        repo_id = find_repo_id()
        with database.write(durable=False) as tx:
            facts.tally(tx, repo_id, kind)
    except MogplexError as fault:
        log.warning("A %s start could not be counted: %s", kind, fault.message)  # the answer matters more
