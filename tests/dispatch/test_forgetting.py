"""What the dispatcher keeps for a worker grows with each start of one, and goes when it is gone for good."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS, DBOSClient

from mogplex.dispatch.dbos_dispatcher import APPLICATION, QUEUE_PREFIX, DbosDispatcher, prepare_tables
from mogplex.store.database import Database
from tests.databases import PostgresServer

TABLES = ("queues", "workflow_status", "workflow_input", "operation_outputs")


@pytest.fixture
def shared(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database of its own with the dispatcher's tables, as the first worker makes them."""
    if backend == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "mogplex.db")
        url = f"sqlite:///{tmp_path}/mogplex.db"
        DBOS.migrate(url)
        database = Database(url)
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = server.create()
        database = Database(server.url_of(name))
        prepare_tables(database.engine, server.url_of(name))
        request.addfinalizer(lambda: server.drop(name))
    request.addfinalizer(database.close)
    return database


def ask(database: Database, what: str, table: str, more: str = "") -> list[tuple[Any, ...]]:
    schema = "" if database.is_sqlite else "dbos."
    with database.read() as tx:
        return [tuple(row) for row in tx.execute(sa.text(f"SELECT {what} FROM {schema}{table} {more}"))]


def kept(database: Database) -> dict[str, int]:
    return {name: ask(database, "count(*)", name)[0][0] for name in TABLES}


def test_a_worker_that_is_gone_leaves_nothing_behind(shared: Database) -> None:
    dispatcher = DbosDispatcher(shared.engine)
    client = DBOSClient(system_database_engine=shared.engine, application_name=APPLICATION)
    before = kept(shared)
    for worker in ("gone", "here"):
        client.register_queue(QUEUE_PREFIX + worker)
        with shared.write() as tx:
            for number in range(3):
                dispatcher.hand_over(tx.connection, f"run_{worker}_{number}", worker, 1)
    assert kept(shared)["queues"] == before["queues"] + 2
    assert kept(shared)["workflow_status"] == before["workflow_status"] + 6
    dispatcher.forget_workers(["gone", "nobody knew"])
    left = ask(shared, "queue_name, count(*)", "workflow_status", "GROUP BY queue_name")
    assert left == [(QUEUE_PREFIX + "here", 3)]
    assert ask(shared, "name", "queues") == [(QUEUE_PREFIX + "here",)]
    dispatcher.forget_workers(["here"])
    assert kept(shared) == before
    client.destroy()
    dispatcher.close()
