"""What the dispatcher keeps for a worker grows with each start of one, and goes when it is gone for good."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from dbos import DBOSClient

from mogplex.dispatch.dbos_dispatcher import APPLICATION, QUEUE_PREFIX, DbosDispatcher, prepare_tables
from mogplex.store.database import Database
from tests.databases import PostgresServer

TABLES = ("queues", "workflow_status", "workflow_input", "operation_outputs")


@pytest.fixture
def shared(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Database:
    """One that several workers share, with the dispatcher's tables."""
    name = postgres_server.create()
    database = Database(postgres_server.url_of(name))
    prepare_tables(database.engine, postgres_server.url_of(name))
    request.addfinalizer(lambda: postgres_server.drop(name))
    request.addfinalizer(database.close)
    return database


def kept(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {name: int(tx.execute(sa.text(f"SELECT count(*) FROM dbos.{name}")).scalar_one()) for name in TABLES}


def test_a_worker_that_is_gone_leaves_nothing_behind(shared: Database) -> None:
    dispatcher = DbosDispatcher(shared.engine)
    client = DBOSClient(system_database_engine=shared.engine, application_name=APPLICATION)
    before = kept(shared)
    for worker in ("gone", "here"):
        client.register_queue(QUEUE_PREFIX + worker)
        with shared.engine.begin() as transaction:
            for number in range(3):
                dispatcher.hand_over(transaction, f"run_{worker}_{number}", worker, 1)
    assert kept(shared)["queues"] == before["queues"] + 2
    assert kept(shared)["workflow_status"] == before["workflow_status"] + 6
    dispatcher.forget_workers(["gone", "nobody knew"])
    with shared.read() as tx:
        left = tx.execute(sa.text("SELECT queue_name, count(*) FROM dbos.workflow_status GROUP BY queue_name")).all()
        queues = tx.execute(sa.text("SELECT name FROM dbos.queues")).scalars().all()
    assert [tuple(row) for row in left] == [(QUEUE_PREFIX + "here", 3)]
    assert queues == [QUEUE_PREFIX + "here"]
    dispatcher.forget_workers(["here"])
    assert kept(shared) == before
    client.destroy()
    dispatcher.close()
