"""Who waits and who runs is found through an index as small as they are few, whatever the planner believes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mogplex.domain.run import Run
from mogplex.domain.worker import WorkerInfo
from mogplex.service.contests import Contests
from mogplex.service.run_filter import RunFilter
from mogplex.store.database import Database
from tests.crowd import analyze, fill
from tests.databases import PostgresServer
from tests.house import House, ending

WORKER = WorkerInfo("w1", "host", 1, 4)
FINISHED = 5_000
BY_STATUS = ("ix_runs_open", "ix_runs_status_created_at_id")  # the latter is as good for a status that few runs have


@pytest.fixture
def crowded(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of its own: statistics outlive the rows that they are of."""
    if backend == "sqlite":
        path = tmp_path / "mogplex.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        url = f"sqlite:///{path}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = server.create()
        request.addfinalizer(lambda: server.drop(name))
        url = server.url_of(name)
    database = Database(url)
    yield database
    database.close()


@contextmanager
def noted(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the table of runs meanwhile."""
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if "FROM runs" in statement and "finished_at IS NULL" in statement:
            asked.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(database.engine, "before_cursor_execute", note)


def plan_of(database: Database, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
    return "\n".join(str(row[-1]) for row in rows)


def questions(house: House) -> dict[str, Callable[[], object]]:
    """The callers that ask again and again, or of whom somebody waits for an answer."""
    repo = house.repos.list(house.admin).items[0]
    return {
        "start": lambda: house.start(repo, "asked", createBranch=True),
        "place": lambda: house.runs.queue_place(house.start(repo, "asked", createBranch=True).run),
        "pressure": lambda: house.report.pressure(house.admin),
        "statistics": lambda: house.report.stats(house.admin),
        "list of those that wait": lambda: house.runs.list(house.admin, RunFilter(status="pending")),
        "metrics": house.metrics.read,
        "take": lambda: house.seating.take(WORKER),
        "contests": Contests(house.database, house.places, house.hub, house.known_secrets).advance,
        "reap": lambda: house.workers.reap(alive_after_seconds=60),
    }


def cancel(house: House, waiting: list[Run]) -> None:
    for run in waiting:
        house.runs.cancel(house.admin, run.id)


@pytest.mark.parametrize("known", ["an empty queue", "a full queue"])
def test_a_long_history_is_not_looked_through(crowded: Database, known: str) -> None:
    """`known`: what the statistics say. Those of a full queue are stale: it has emptied, and many have ended since."""
    house = House(crowded)
    repo = house.add_repo()
    run = house.claim(house.start(repo, "first", createBranch=True).run)
    house.attempts.finish(run, ending())
    template = house.runs.get(house.admin, run.id)
    # PostgreSQL looks anew once a tenth has changed; SQLite never does.
    early = FINISHED if known == "an empty queue" else 0 if crowded.is_sqlite else FINISHED * 9 // 10
    if early:
        fill(crowded, template, early)
    waiting = [house.start(repo, str(number), createBranch=True).run for number in range(20)]
    if known == "an empty queue":
        cancel(house, waiting)
    analyze(crowded)
    if known == "a full queue":
        cancel(house, waiting)
        fill(crowded, template, FINISHED - early, begin=early + 1)
    house.workers.register(WORKER)
    for name, ask in questions(house).items():
        with noted(crowded) as asked:
            ask()
        assert asked, f"{name} asks for no open runs"
        for statement, parameters in asked:
            plan = plan_of(crowded, statement, parameters)
            assert any(index in plan for index in BY_STATUS), f"{name}: {statement}\n{plan}"
            assert "Seq Scan on runs" not in plan, f"{name}: {statement}\n{plan}"
            assert "SCAN runs" not in plan, f"{name}: {statement}\n{plan}"
    house.close()
