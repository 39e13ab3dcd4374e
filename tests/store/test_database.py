"""Transactions, and how the database's faults are told."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from mogplex.domain.errors import BadRequest, ServiceUnavailable
from mogplex.store import hits, keys
from mogplex.store.database import Database
from mogplex.store.migrations import upgrade
from mogplex.store.schema import request_hits
from tests.databases import PostgresServer


def count_hits(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(request_hits)).scalar_one())


@pytest.mark.parametrize("durable", [True, False])
def test_a_write_is_kept_whole_or_not_at_all(database: Database, durable: bool) -> None:
    with database.write(durable=durable) as tx:
        hits.insert(tx, "a")
    with pytest.raises(RuntimeError), database.write(durable=durable) as tx:
        hits.insert(tx, "b")
        raise RuntimeError("changed my mind")
    assert count_hits(database) == 1


def test_a_transaction_has_one_time_and_it_is_now(database: Database) -> None:
    before = time.time()
    with database.write() as tx:
        first = tx.now
        time.sleep(0.01)
        assert tx.now == first
    assert before - 1 < first < time.time() + 1


def test_a_given_clock_is_obeyed(database_url: str) -> None:
    database = Database(database_url, clock=lambda: 123.5)
    with database.read() as tx:
        assert tx.now == 123.5
    database.close()


def test_a_read_sees_one_state_throughout(database: Database) -> None:
    with database.read() as reader:
        select = sa.select(sa.func.count()).select_from(request_hits)
        assert reader.execute(select).scalar_one() == 0
        thread = threading.Thread(target=_write_one, args=(database,))
        thread.start()
        thread.join(20)
        assert reader.execute(select).scalar_one() == 0
    assert count_hits(database) == 1


def _write_one(database: Database) -> None:
    with database.write() as tx:
        hits.insert(tx, "a")


@pytest.mark.parametrize("apart", [False, True])
def test_writers_all_get_their_turn_one_after_the_other(database: Database, database_url: str, apart: bool) -> None:
    """In threads that share a Database, and in such that share nothing, as processes do."""
    opened = [Database(database_url) if apart else database for _ in range(6)]

    def write(mine: Database) -> None:
        for _ in range(10):
            with mine.write() as tx:
                tx.take_turn("count")
                seen = tx.execute(sa.select(sa.func.count()).select_from(request_hits)).scalar_one()
                time.sleep(0.0005)  # room for another to look at the same
                tx.execute(request_hits.insert(), {"key_id": str(seen), "at": tx.now})

    threads = [threading.Thread(target=write, args=(each,)) for each in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.read() as tx:
        found = sorted(int(each) for each in tx.execute(sa.select(request_hits.c.key_id)).scalars())
    assert found == list(range(60))
    for each in opened if apart else []:
        each.close()


def test_a_broken_rule_is_our_fault_and_no_outage(database: Database) -> None:
    with pytest.raises(exc.IntegrityError), database.write() as tx:
        tx.execute(request_hits.insert(), {"id": 1, "key_id": "a", "at": 1.0})
        tx.execute(request_hits.insert(), {"id": 1, "key_id": "a", "at": 1.0})


def test_a_database_without_tables_is_told(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(ServiceUnavailable, match="lacks tables"), database.read() as tx:
        keys.exist(tx)
    assert database.is_reachable()


def test_a_file_locked_by_another_process_is_told_after_a_while(sqlite_url: str) -> None:
    database = Database(sqlite_url, busy_timeout_seconds=0.2)
    other = sqlite3.connect(str(database.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ServiceUnavailable, match="locked by another process"):
        _write_one(database)
    assert count_hits(database) == 0  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    _write_one(database)
    assert count_hits(database) == 1
    database.close()


def test_who_waits_too_long_for_a_turn_is_told(sqlite_url: str) -> None:
    database = Database(sqlite_url, busy_timeout_seconds=0.2)
    refusals: list[str] = []

    def refused() -> None:
        try:
            _write_one(database)
        except ServiceUnavailable as fault:
            refusals.append(fault.message)

    with database.write():
        thread = threading.Thread(target=refused)
        thread.start()
        thread.join(20)
    assert len(refusals) == 1
    assert "busy" in refusals[0]
    database.close()


def test_a_full_disk_is_told_and_nothing_is_lost(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    _write_one(database)
    fill = _forbid_growth(database)
    with pytest.raises(ServiceUnavailable, match="disk is full"), database.write() as tx:
        tx.execute(request_hits.insert(), {"key_id": "x" * 1_000_000, "at": tx.now})
    assert count_hits(database) == 1
    sa.event.remove(database.engine, "connect", fill)
    database.engine.dispose()
    with database.write() as tx:
        tx.execute(request_hits.insert(), {"key_id": "x" * 1_000_000, "at": tx.now})
    assert count_hits(database) == 2
    database.close()


def _forbid_growth(database: Database) -> object:
    def limit(connection: sqlite3.Connection, record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")

    database.engine.dispose()
    sa.event.listen(database.engine, "connect", limit)
    return limit


def test_a_file_that_is_gone_is_told(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    assert database.path is not None
    database.path.parent.rename(database.path.parent.parent / "elsewhere")
    with pytest.raises(ServiceUnavailable, match="cannot be used"):
        count_hits(database)
    with pytest.raises(ServiceUnavailable, match="cannot be used"):
        _write_one(database)
    assert not database.is_reachable()


def test_a_file_that_is_removed_while_in_use_is_told_until_it_is_back(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    _write_one(database)
    assert database.path is not None
    aside = database.path.with_suffix(".aside")
    database.path.rename(aside)
    for _ in range(2):
        with pytest.raises(ServiceUnavailable, match="removed or replaced"):
            _write_one(database)
    with pytest.raises(ServiceUnavailable, match="removed or replaced"):
        count_hits(database)
    aside.rename(database.path)
    _write_one(database)
    assert count_hits(database) == 2
    database.close()


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    database = Database("postgresql://someone:hunter2@127.0.0.1:9/nothing")
    with pytest.raises(ServiceUnavailable) as caught, database.read():
        pytest.fail("there is no such server")
    assert "hunter2" not in caught.value.message
    assert "127.0.0.1:9" in caught.value.message


def test_memory_is_refused_because_no_second_connection_could_see_it() -> None:
    with pytest.raises(ValueError, match="no file"):
        Database("sqlite://")


def test_a_connection_that_was_cut_is_replaced(database: Database, backend: str) -> None:
    if backend != "postgresql":
        pytest.skip("SQLite has no connections that could be cut")
    _write_one(database)
    with database.write() as tx:
        tx.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
        hits.insert(tx, "b")
    for _ in range(5):
        _write_one(database)
    assert count_hits(database) == 7


def test_who_falls_silent_in_a_transaction_keeps_nobody_out(postgres_server: PostgresServer) -> None:
    url = postgres_server.url_of(postgres_server.create())
    silent, others = Database(url, busy_timeout_seconds=0.5), Database(url)
    _write_one(others)
    with pytest.raises(ServiceUnavailable), silent.write() as tx:
        tx.execute(sa.text("LOCK TABLE request_hits"))  # and then nothing: as if its cable had been cut
        _write_one(others)  # a lock is waited for ten seconds
    with silent.write() as tx:
        tx.allow_pauses()
        tx.execute(sa.text("SELECT 1"))
        time.sleep(1)
        hits.insert(tx, "c")
    assert count_hits(others) == 3
    silent.close()
    others.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/home/mogplex.db"
    database = Database(url)
    upgrade(database)
    database.close()
    return url


@pytest.mark.parametrize("url", ["geheim", "sqlite", "mysql://me:geheim@host/name"])
def test_a_url_of_no_known_database_is_told_without_the_password(url: str) -> None:
    with pytest.raises(BadRequest, match="postgresql://") as refusal:
        Database(url)
    assert "geheim" not in refusal.value.message
