"""DBOS Transact behind the Dispatcher port: one hand-over is one workflow of one step. Our tables hold the truth.

Facts that shaped this (dbos 3.4): the number of a queue's slots is one for all who serve it, and it knows no labels and
no order across partitions, so each worker has a queue of its own and who goes next is decided before (`Seating`); the
open-source core never recovers another worker's runs, so ids are unique per boot, and a lost worker's run is handed
over anew, under another number; a changed default application version would strand runs, so it is fixed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import sqlalchemy
from dbos import DBOS, DBOSClient
from dbos import error as dbos_error

QUEUE_PREFIX = "runs@"  # and the worker's id
WORKFLOW = "execute_run"
APPLICATION = "mogplex"
APPLICATION_VERSION = "runs-1"  # of the workflow's name and arguments, not of our code
POLL_SECONDS = 0.2  # half of it is added to the start of a run; 0.1 would cost 4 % more of a core when idle
LOCK_POLL_SECONDS = 0.1
FORGOTTEN_AT_ONCE = 1000

Play = Callable[[str], "Future[None]"]

log = logging.getLogger(__name__)


def prepare_tables(engine: sqlalchemy.Engine, database_url: str) -> None:
    """Make or migrate DBOS's own tables, one process at a time: a server without a worker must be able to enqueue,
    and several may start at once. On SQLite the one worker does it when it is launched."""
    if engine.dialect.name == "sqlite":
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Asked for again and again, never waited for: DBOS builds indexes concurrently, which waits for every statement
        # under way in the database, and so for those that would wait here for it.
        while not connection.exec_driver_sql("SELECT pg_try_advisory_lock(1836020592, 1)").scalar_one():
            time.sleep(LOCK_POLL_SECONDS)
        try:
            DBOS.migrate(database_url)
        finally:
            connection.exec_driver_sql("SELECT pg_advisory_unlock(1836020592, 1)")


def has_tables(engine: sqlalchemy.Engine) -> bool:
    """Whether DBOS's tables were ever made: not before the first worker on a SQLite file."""
    schema = None if engine.dialect.name == "sqlite" else "dbos"
    return sqlalchemy.inspect(engine).has_table("workflow_status", schema=schema)


class DbosDispatcher:
    """The sending side, for any process: `hand_over` joins the caller's transaction."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self._engine = engine
        self._client = DBOSClient(system_database_engine=engine, application_name=APPLICATION)

    def hand_over(self, transaction: sqlalchemy.Connection, run_id: str, worker_id: str, number: int) -> None:
        self._client.enqueue_in_transaction(
            transaction,
            {
                "queue_name": QUEUE_PREFIX + worker_id,
                "workflow_name": WORKFLOW,
                "workflow_id": f"{run_id}.{number}",
                "app_version": APPLICATION_VERSION,
            },
            run_id,
        )

    def forget(self, run_ids: Sequence[str]) -> None:
        """Drop all that is known of runs whose record is gone: each hand-over, and the one workflow of before those."""
        if run_ids and has_tables(self._engine):
            prefixes = [f"{run_id}." for run_id in run_ids]
            handed = self._client.list_workflows(workflow_id_prefix=prefixes, load_input=False, load_output=False)
            self._client.delete_workflows([*run_ids, *(each.workflow_id for each in handed)])

    def forget_workers(self, worker_ids: Sequence[str]) -> None:
        """Drop the queues of workers that are gone, and every hand-over to them: nobody else would ever take one."""
        if not worker_ids or not has_tables(self._engine):
            return
        queues = [QUEUE_PREFIX + worker_id for worker_id in worker_ids]
        while handed := self._client.list_workflows(
            queue_name=queues, limit=FORGOTTEN_AT_ONCE, load_input=False, load_output=False
        ):
            self._client.delete_workflows([each.workflow_id for each in handed])
        for queue in queues:
            self._client.delete_queue(queue)

    def close(self) -> None:
        self._client.destroy()


class DbosWorker:
    """The receiving side: calls `play(run_id)` for each run handed to this worker, at most `slots` at once.

    DBOS is one per process; so is this.
    """

    def __init__(self, engine: sqlalchemy.Engine, database_url: str, worker_id: str, slots: int) -> None:
        self._engine = engine
        self._database_url = database_url
        self._worker_id = worker_id
        self._queue = QUEUE_PREFIX + worker_id
        self._slots = slots

    def launch(self, play: Play) -> None:
        """Create or migrate DBOS's own tables, register the one workflow and begin to take what is handed over."""
        _quieten()
        DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": self._database_url,
                "system_database_engine": self._engine,
                "executor_id": self._worker_id,
                "application_version": APPLICATION_VERSION,
                "log_level": "ERROR",
                "scheduler_polling_interval_sec": 5.0,
                "notification_listener_polling_interval_sec": 0.5,  # its thread is joined when we stop
            }
        )

        @DBOS.step(name="attempt")
        async def attempt(run_id: str) -> None:
            await asyncio.wrap_future(play(run_id))

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1000)
        async def execute_run(run_id: str) -> None:
            await attempt(run_id)

        DBOS.listen_queues([self._queue])
        DBOS.launch()
        DBOS.register_queue(
            self._queue, polling_interval_sec=POLL_SECONDS, worker_concurrency=self._slots, on_conflict="always_update"
        )

    def close(self) -> None:
        """Stop taking runs. Call it once no attempt is running; DBOS would cancel what is."""
        with contextlib.suppress(dbos_error.DBOSException, sqlalchemy.exc.DBAPIError):  # a row left over harms nobody
            DBOS.delete_queue(self._queue)
        with contextlib.suppress(dbos_error.DBOSException):  # already down: nothing to stop
            DBOS.destroy(destroy_registry=True)


def _quieten() -> None:
    """DBOS advertises its hosted service; errors still reach the log."""
    logger = logging.getLogger("dbos")
    logger.addFilter(lambda record: record.levelno >= logging.ERROR)
