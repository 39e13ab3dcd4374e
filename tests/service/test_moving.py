"""An installation that moves from one database to another has lost nothing, and goes on there."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mogplex.domain.errors import BadRequest, Conflict, IdempotencyConflict
from mogplex.domain.run import Outcome, Status
from mogplex.service.blobs import Blobs
from mogplex.service.events import EventHub
from mogplex.service.known_secrets import KnownSecrets
from mogplex.service.moving import Moved, export_database, import_database
from mogplex.service.sealing import open_secrets
from mogplex.service.vault import Vault
from mogplex.service.workers import Workers
from mogplex.store.database import Database
from mogplex.store.migrations import head_revision
from mogplex.store.schema import metadata, repos, run_patches, runs
from tests.databases import Lender, empty
from tests.house import VAULT_KEY, House, PlainSanitiser, ending
from tests.service.test_retention import play, rows
from tests.store.test_upgrades import add_rows


@pytest.fixture
def target(backend: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of the other kind."""
    other = "postgresql" if backend == "sqlite" else "sqlite"
    lender: Lender = request.getfixturevalue(f"{other}_lender")
    lent = lender.lend()
    yield lent
    lender.take_back(lent)


def content(database: Database, *without: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every value of every table."""
    tables = [table for table in metadata.sorted_tables if table.name not in without]
    with database.read() as tx:
        return {table.name: sorted(map(tuple, tx.execute(sa.select(table))), key=repr) for table in tables}


def export(source: Database, path: Path, blobs: Blobs | None = None) -> Moved:
    return export_database(source, blobs or Blobs(), path, head_revision(), "test")


def take_in(target: Database, path: Path, blobs: Blobs | None = None) -> Moved:
    workers = Workers(target, EventHub(), KnownSecrets(PlainSanitiser, Vault([VAULT_KEY])))
    return import_database(target, blobs or Blobs(), path, head_revision(), workers)


def test_every_row_of_every_table_comes_along(database: Database, target: Database, tmp_path: Path) -> None:
    with database.engine.begin() as connection:
        marks = [add_rows(connection, str(mark), all_tables=True) for mark in (1, 2)]
    assert set(marks[0]) == set(metadata.tables), "each has rows"
    exported = export(database, tmp_path / "x.gz")
    imported = take_in(target, tmp_path / "x.gz")
    assert exported.rows == imported.rows and all(exported.rows.values())
    assert content(target) == content(database)
    with target.write() as tx:  # and numbers that the database gives go on after them
        fresh = tx.execute(metadata.tables["request_hits"].insert(), {"key_id": "k", "at": 1.0})
        assert fresh.inserted_primary_key[0] == 3


def test_work_goes_on_where_it_came_to(house: House, target: Database, tmp_path: Path) -> None:
    repo = house.add_repo()
    house.secrets.put(house.admin, repo.id, "TOKEN", {"value": "s3cret-value", "phases": ["agent"]})
    ended = play(house, repo, "ended")
    waiting = house.start(repo, "waiting", workingBranch="b1", createBranch=True).run
    begun = house.claim(house.start(repo, "begun", workingBranch="b2", createBranch=True).run)
    with house.database.write() as tx:  # handed to a worker there, and not begun
        tx.execute(runs.update().where(runs.c.id == waiting.id).values(seat="there-1"))
    exported = export(house.database, tmp_path / "x.gz")
    assert (exported.sealed, exported.pending) == (1, 2)
    imported = take_in(target, tmp_path / "x.gz")
    assert imported.pending == 2
    assert rows(target, runs, runs.c.seat.is_not(None)) == 0
    there = House(target, secret=house.secret)
    try:
        replayed = there.start(repo, "ended")
        assert replayed.replayed and replayed.run.id == ended.id and replayed.run.outcome is Outcome.CHECKS_FAILED
        with pytest.raises(IdempotencyConflict):
            there.start(repo, "ended", prompt="Something else")
        assert there.runs.patch(there.admin, ended.id) == b"diff of ended"
        with target.read() as tx:
            assert [each.value for each in open_secrets(tx, there.vault, repo.id)] == ["s3cret-value"]
        lost = there.runs.get(there.admin, begun.id)
        assert (lost.status, lost.attempt) == (Status.PENDING, 1)
        types = [event.type for event in there.events.page(there.admin, begun.id, 0, 100).events]
        assert types[-1] == "attempt_lost"
        again = there.claim(waiting)
        assert there.attempts.finish(again, ending())
        assert there.start(repo, "new").run.id != ended.id
    finally:
        there.close()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(TEXT, min_size=1, max_size=5, unique=True),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=10), st.lists, max_leaves=5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary(max_size=100),
)
def test_no_value_changes_on_the_way(
    sqlite_lender: Lender, tmp_path: Path, texts: list[str], value: Any, number: float, content_bytes: bytes
) -> None:
    source, target = sqlite_lender.lend(), sqlite_lender.lend()
    path = tmp_path / "x.gz"
    path.unlink(missing_ok=True)
    try:
        with source.engine.begin() as connection:
            add_rows(connection, "1", all_tables=True)
            connection.execute(repos.update().values(full_name=texts[0], setup={"v": value}, created_at=number))
            connection.execute(runs.update().values(prompt="".join(texts), labels=dict.fromkeys(texts, value)))
            connection.execute(run_patches.update().values(diff=content_bytes))
        export(source, path)
        take_in(target, path)
        assert content(target) == content(source)
    finally:
        for each in (source, target):
            empty(each)
            sqlite_lender.take_back(each)


def _cut(lines: list[bytes]) -> list[bytes]:
    return lines[: len(lines) // 2]


def _change(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b"Mend it", b"Mend us") for line in lines]


def _miscount(lines: list[bytes]) -> list[bytes]:
    end = json.loads(lines[-1])
    end["rows"]["runs"] += 1
    return [*lines[:-1], json.dumps(end).encode() + b"\n"]


def _age(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(head_revision().encode(), b"0001"), *lines[1:]]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_cut, "was cut off"),
        (_change, "checksum"),
        (_miscount, "not whole: other numbers of rows than it says in runs"),
        (_age, "revision 0001"),
        (lambda lines: [b"hello\n"], "no JSON"),
        (lambda lines: [b"{}\n"], "no export"),
    ],
)
def test_a_file_that_is_not_what_it_was_changes_nothing(
    house: House, target: Database, tmp_path: Path, harm: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    house.start(house.add_repo(), "k")
    export(house.database, tmp_path / "x.gz")
    lines = gzip.decompress((tmp_path / "x.gz").read_bytes()).splitlines(keepends=True)
    (tmp_path / "y.gz").write_bytes(gzip.compress(b"".join(harm(lines))))
    with pytest.raises(BadRequest, match=said):
        take_in(target, tmp_path / "y.gz")
    assert rows(target, runs) == 0


def test_a_packed_file_that_ends_early_is_told(house: House, target: Database, tmp_path: Path) -> None:
    export(house.database, tmp_path / "x.gz")
    (tmp_path / "y.gz").write_bytes((tmp_path / "x.gz").read_bytes()[:-20])
    with pytest.raises(BadRequest, match="cut off"):
        take_in(target, tmp_path / "y.gz")


def test_neither_a_file_nor_a_database_is_written_over(house: House, target: Database, tmp_path: Path) -> None:
    export(house.database, tmp_path / "x.gz")
    assert (tmp_path / "x.gz").stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadRequest, match="is there already"):
        export(house.database, tmp_path / "x.gz")
    take_in(target, tmp_path / "x.gz")
    with pytest.raises(Conflict, match="not empty"):
        take_in(target, tmp_path / "x.gz")
    assert [each.name for each in tmp_path.iterdir()] == ["x.gz"], "no drafts are left"
