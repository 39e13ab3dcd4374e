"""The event writer: in order, without gaps, nothing lost, and nothing from who lost the run."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import sqlalchemy as sa

from mogplex.domain.errors import ServiceUnavailable
from mogplex.domain.event import Event, EventDraft, EventType
from mogplex.domain.run import Run, Status
from mogplex.store import events, runs
from mogplex.store.database import Database
from mogplex.store.schema import run_events
from mogplex.store.schema import runs as run_table
from mogplex.store.writer import EventWriter, Fence

WAIT_SECONDS = 30


def make_run(database: Database, run_id: str, worker_id: str = "w1") -> Fence:
    run = Run(
        id=run_id, repo_id="r", repo_full_name="o/n", status=Status.STREAMING, harness="h", prompt="p", base_branch="b",
        working_branch="w", create_branch=False, created_at=1.0, updated_at=1.0, key_owner="o", api_key_id="k",
        idempotency_key=run_id, request_hash="x", timeout_seconds=1.0, attempt=1, worker_id=worker_id,
    )  # fmt: skip
    with database.write() as tx:
        runs.insert(tx, run)
    return Fence(run_id, 1, worker_id)


def said(message: str, **payload: Any) -> EventDraft:
    return EventDraft(EventType.LOG, message, payload=payload)


def stored(database: Database, run_id: str) -> list[Event]:
    with database.read() as tx:
        return events.since(tx, run_id, 0, 100_000)


class Listener:
    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def __call__(self, run_id: str, last_seq: int) -> None:
        self.told.append((run_id, last_seq))


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def writer(database: Database, listener: Listener) -> Iterator[EventWriter]:
    opened = EventWriter(database, listener)
    yield opened
    opened.close(5.0)


def test_many_producers_give_gapless_runs_in_the_order_of_each(
    database: Database, writer: EventWriter, listener: Listener
) -> None:
    fences = [make_run(database, f"run_{number}") for number in range(4)]

    def produce(fence: Fence) -> None:
        for number in range(0, 200, 2):
            writer.put(fence, [said(str(number)), said(str(number + 1))])

    threads = [threading.Thread(target=produce, args=(fence,)) for fence in fences]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    for fence in fences:
        writer.drain(fence.run_id, WAIT_SECONDS)
        found = stored(database, fence.run_id)
        assert [event.seq for event in found] == list(range(1, 201))
        assert [event.message for event in found] == [str(number) for number in range(200)]
    writer.close()
    assert {(run_id, max(n for r, n in listener.told if r == run_id)) for run_id, _ in listener.told} == {
        (fence.run_id, 200) for fence in fences
    }


def test_a_future_is_kept_only_after_the_commit(database: Database, writer: EventWriter) -> None:
    fence = make_run(database, "run_1")
    for number in range(5):
        assert writer.put(fence, [said(str(number))]).result(WAIT_SECONDS) is True
        assert len(stored(database, "run_1")) == number + 1


@pytest.mark.parametrize(
    ("change", "value"), [("attempt", 2), ("worker_id", "w2"), ("status", "cancelled"), ("status", "pending")]
)
def test_who_lost_the_run_writes_nothing(
    database: Database, writer: EventWriter, listener: Listener, change: str, value: object
) -> None:
    lost, kept = make_run(database, "run_lost"), make_run(database, "run_kept")
    with database.write() as tx:
        tx.execute(run_table.update().where(run_table.c.id == "run_lost").values({change: value}))
    futures = [writer.put(fence, [said("x")]) for fence in (lost, kept, lost)]
    assert [future.result(WAIT_SECONDS) for future in futures] == [False, True, False]
    assert stored(database, "run_lost") == []
    assert len(stored(database, "run_kept")) == 1
    writer.close()
    assert listener.told == [("run_kept", 1)]


def test_an_empty_batch_tells_who_owns_the_run(database: Database, writer: EventWriter) -> None:
    fence = make_run(database, "run_1")
    assert writer.put(fence, []).result(WAIT_SECONDS) is True
    assert writer.put(Fence("run_1", 2, "w1"), []).result(WAIT_SECONDS) is False


def test_a_fault_of_the_database_delays_events_and_loses_none(
    database: Database, writer: EventWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence = make_run(database, "run_1")
    away = threading.Event()
    tried = threading.Event()
    real = events.insert_rows

    def insert(tx: Any, rows: Any) -> None:
        real(tx, rows)
        if away.is_set():
            tried.set()
            raise sa.exc.OperationalError("INSERT", {}, Exception("server closed the connection"))

    monkeypatch.setattr(events, "insert_rows", insert)
    away.set()
    futures = [writer.put(fence, [said(str(number))]) for number in range(10)]
    assert tried.wait(WAIT_SECONDS)
    assert stored(database, "run_1") == []  # the transaction was rolled back, numbers included
    assert not any(future.done() for future in futures)
    away.clear()
    assert all(future.result(WAIT_SECONDS) for future in futures)
    assert [(event.seq, event.message) for event in stored(database, "run_1")] == [(n + 1, str(n)) for n in range(10)]


def test_a_commit_whose_answer_was_lost_is_not_repeated(
    database: Database, writer: EventWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence, other = make_run(database, "run_1"), make_run(database, "run_2")
    real = Database.write
    lost: list[bool] = []

    @contextmanager
    def write(self: Database, **options: Any) -> Iterator[Any]:
        with real(self, **options) as tx:
            yield tx
        if not lost:
            lost.append(True)
            raise ServiceUnavailable("the answer to the commit was lost")

    monkeypatch.setattr(Database, "write", write)
    assert writer.put(fence, [said("a"), said("b")]).result(WAIT_SECONDS) is True
    assert lost
    assert writer.put(fence, [said("a"), said("b")]).result(WAIT_SECONDS) is True
    assert writer.put(other, [said("c")]).result(WAIT_SECONDS) is True
    assert [(event.seq, event.message) for event in stored(database, "run_1")] == [
        (1, "a"),
        (2, "b"),
        (3, "a"),
        (4, "b"),
    ]


def test_events_bear_the_time_at_which_they_happened(
    database: Database, writer: EventWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence = make_run(database, "run_1")
    real = events.insert_rows
    monkeypatch.setattr(events, "insert_rows", _fail_once(real))
    before = time.time()
    future = writer.put(fence, [said("early")])
    recorded = time.time()
    assert future.result(WAIT_SECONDS)
    (event,) = stored(database, "run_1")
    assert before - 0.02 <= event.created_at <= recorded + 0.02  # not 50 ms later, after the second try


def _fail_once(real: Any) -> Any:
    failed: list[bool] = []

    def insert(tx: Any, rows: Any) -> None:
        if not failed:
            failed.append(True)
            raise sa.exc.OperationalError("INSERT", {}, Exception("away"))
        real(tx, rows)

    return insert


def test_one_refused_event_does_not_take_others_with_it(
    database: Database, writer: EventWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = make_run(database, "run_good"), make_run(database, "run_bad")
    real = events.insert_rows

    def insert(tx: Any, rows: Any) -> None:
        if any(row["message"] == "poison" for row in rows):
            raise sa.exc.DataError("INSERT", {}, Exception("refused"))
        real(tx, rows)

    monkeypatch.setattr(events, "insert_rows", insert)
    with database.write() if database.is_sqlite else nullcontext():  # lets them gather into one batch where it can
        futures = [writer.put(bad, [said("poison")]), writer.put(good, [said("a")]), writer.put(bad, [said("b")])]
    assert futures[1].result(WAIT_SECONDS) is True
    assert isinstance(futures[0].exception(WAIT_SECONDS), sa.exc.DataError)
    assert futures[2].result(WAIT_SECONDS) is True
    assert [event.message for event in stored(database, "run_bad")] == ["b"]
    assert [event.seq for event in stored(database, "run_bad")] == [1]


def test_a_draft_that_is_no_json_is_refused_at_once(database: Database, writer: EventWriter) -> None:
    fence = make_run(database, "run_1")
    with pytest.raises(TypeError):
        writer.put(fence, [said("x", what=object())])
    assert writer.put(fence, [said("y")]).result(WAIT_SECONDS) is True
    assert [event.seq for event in stored(database, "run_1")] == [1]


def test_a_listener_that_fails_stops_nothing(database: Database) -> None:
    def fail(run_id: str, last_seq: int) -> None:
        raise RuntimeError("no reader")

    writer = EventWriter(database, fail)
    fence = make_run(database, "run_1")
    for _ in range(3):
        assert writer.put(fence, [said("x")]).result(WAIT_SECONDS) is True
    writer.close()


def test_a_recorded_batch_cannot_be_cancelled_by_who_waits_for_it(database: Database, writer: EventWriter) -> None:
    fence = make_run(database, "run_1")
    future = writer.put(fence, [said("x")])
    assert future.cancel() is False
    writer.drain("run_1", WAIT_SECONDS)
    assert len(stored(database, "run_1")) == 1


def test_closing_writes_what_waits_and_refuses_more(database: Database, writer: EventWriter) -> None:
    fence = make_run(database, "run_1")
    futures = [writer.put(fence, [said(str(number))]) for number in range(500)]
    writer.close()
    assert all(future.result(0) for future in futures)
    assert len(stored(database, "run_1")) == 500
    with pytest.raises(ServiceUnavailable, match="closed"):
        writer.put(fence, [said("late")])
    writer.close()  # twice does no harm


def test_a_commit_that_is_noted_as_delivered_stays_so(database: Database, writer: EventWriter) -> None:
    fence = make_run(database, "run_1")
    writer.put(fence, [said("a"), EventDraft(EventType.DELIVERED)]).result(WAIT_SECONDS)
    writer.put(fence, [said("b")]).result(WAIT_SECONDS)
    with database.read() as tx:
        assert tx.execute(sa.select(run_table.c.delivered_at)).scalar_one() is not None


@pytest.fixture
def locked(database: Database, backend: str) -> Iterator[sqlite3.Connection]:
    """The database, locked by somebody else."""
    if backend != "sqlite":
        pytest.skip("locking the whole database is SQLite's way")
    other = sqlite3.connect(str(database.path), isolation_level=None)
    yield other
    other.close()


def test_producers_are_held_back_when_too_much_waits(database: Database, locked: sqlite3.Connection) -> None:
    writer = EventWriter(database, lambda run_id, last_seq: None, max_waiting_drafts=20)
    fence = make_run(database, "run_1")
    locked.execute("BEGIN IMMEDIATE")
    futures: list[Future[bool]] = []

    def produce() -> None:
        for _ in range(100):
            futures.append(writer.put(fence, [said("x")]))

    thread = threading.Thread(target=produce)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    assert len(futures) <= 21
    locked.execute("ROLLBACK")
    thread.join(WAIT_SECONDS)
    assert all(future.result(WAIT_SECONDS) for future in futures)
    assert [event.seq for event in stored(database, "run_1")] == list(range(1, 101))
    writer.close()


def test_giving_up_at_the_end_is_told_to_who_waits(database_url: str, locked: sqlite3.Connection) -> None:
    database = Database(database_url, busy_timeout_seconds=0.1)
    writer = EventWriter(database, lambda run_id, last_seq: None)
    fence = make_run(database, "run_1")
    locked.execute("BEGIN IMMEDIATE")
    future = writer.put(fence, [said("x")])
    with pytest.raises(ServiceUnavailable, match="kept"):
        writer.drain("run_1", 0.2)
    writer.close(timeout_seconds=0.3)
    assert isinstance(future.exception(WAIT_SECONDS), ServiceUnavailable)
    locked.execute("ROLLBACK")
    assert stored(database, "run_1") == []
    database.close()


def test_a_full_disk_holds_events_back_until_there_is_space(database: Database, backend: str) -> None:
    if backend != "sqlite":
        pytest.skip("the disk of a server can't be filled from here")
    writer = EventWriter(database, lambda run_id, last_seq: None)
    fence = make_run(database, "run_1")

    def forbid_growth(connection: sqlite3.Connection, record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")

    database.engine.dispose()
    sa.event.listen(database.engine, "connect", forbid_growth)
    futures = [writer.put(fence, [said("y" * 8000)]) for _ in range(50)]
    with pytest.raises(ServiceUnavailable, match="kept"):
        writer.drain("run_1", 0.3)
    sa.event.remove(database.engine, "connect", forbid_growth)
    database.engine.dispose()
    assert all(future.result(WAIT_SECONDS) for future in futures)
    writer.close()
    with database.read() as tx:
        found = tx.execute(sa.select(sa.func.count(), sa.func.max(run_events.c.seq))).one()
    assert tuple(found) == (50, 50)


def test_a_server_that_cuts_every_connection_loses_no_event(database: Database, backend: str) -> None:
    if backend != "postgresql":
        pytest.skip("SQLite has no connections that could be cut")
    writer = EventWriter(database, lambda run_id, last_seq: None)
    fence = make_run(database, "run_1")
    futures: list[Future[bool]] = []
    for number in range(300):
        futures.append(writer.put(fence, [said(str(number))]))
        if number % 30 == 0:
            _cut_connections(database)
    assert all(future.result(WAIT_SECONDS) for future in futures)
    assert [event.message for event in stored(database, "run_1")] == [str(number) for number in range(300)]
    writer.close()


def _cut_connections(database: Database) -> None:
    engine = sa.create_engine(database.engine.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
