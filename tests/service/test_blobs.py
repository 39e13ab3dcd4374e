"""Large values outside the database: written before the row that names them, never read as less than they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from mogplex.blobs.folder import FolderBlobs
from mogplex.domain.blob import INLINE_BYTES
from mogplex.domain.check import CheckRecord, CheckTarget
from mogplex.domain.errors import ServiceUnavailable
from mogplex.domain.retention import DAY_SECONDS, Retention
from mogplex.domain.run import Outcome, Run, Verdict
from mogplex.domain.sandbox import SandboxFacts
from mogplex.service.blobs import ORPHAN_SECONDS, Blobs
from mogplex.service.retention import Pruner
from mogplex.store.database import Database
from mogplex.store.schema import run_patches
from tests.databases import empty
from tests.house import House, ending
from tests.service.test_moving import export, take_in, target  # noqa: F401  # a fixture
from tests.service.test_retention import age as age_rows

LARGE = b"+" * (INLINE_BYTES + 1)


@pytest.fixture
def store(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture
def house(database: Database, store: FolderBlobs) -> House:
    return House(database, blobs=Blobs(store))


def play(house: House, key: str, diff: bytes) -> Run:
    run = house.claim(house.start(house.add_repo(), key, workingBranch=key, createBranch=True).run)
    assert house.attempts.update(run, base_commit="a" * 40) and house.attempts.save_patch(run, diff)
    assert house.attempts.finish(run, ending(Outcome.CHECKS_FAILED, Verdict.FAILED))
    return run


def age(store: FolderBlobs, tmp_path: Path) -> None:
    """Let all blobs be older than an orphan's grace."""
    for path in (tmp_path / "blobs").glob("*/*"):
        found = path.stat()
        os.utime(path, (found.st_atime, found.st_mtime - ORPHAN_SECONDS - 60))


def test_a_large_patch_is_a_blob_and_a_small_one_is_not(house: House, store: FolderBlobs) -> None:
    large, small = play(house, "large", LARGE), play(house, "small", LARGE[:-1])
    assert house.runs.patch(house.admin, large.id) == LARGE
    assert house.runs.patch(house.admin, small.id) == LARGE[:-1]
    with house.database.read() as tx:
        found = {row.run_id: (len(row.diff), row.blob) for row in tx.execute(sa.select(run_patches))}
    (entry,) = store.list()
    assert found == {large.id: (0, entry.digest), small.id: (INLINE_BYTES, None)}


def test_what_can_t_be_read_is_never_an_empty_patch(house: House, store: FolderBlobs, database: Database) -> None:
    run = play(house, "k", LARGE)
    (entry,) = store.list()
    store.remove(entry.digest)
    with pytest.raises(ServiceUnavailable, match="can't be read"):
        house.runs.patch(house.admin, run.id)
    retried = house.runs.retry(house.admin, run.id, {"resume": True}).run
    with pytest.raises(ServiceUnavailable):
        house.attempts.kept_work(house.claim(retried))
    without = House(database, secret=house.secret)
    with pytest.raises(ServiceUnavailable, match="MOGPLEX_BLOBS_URL"):
        without.runs.patch(without.admin, run.id)


def test_a_row_names_only_what_is_there(database: Database, house: House) -> None:
    class Watching(FolderBlobs):
        def put(self, content: bytes) -> str:
            with database.read() as tx:
                assert tx.execute(sa.select(run_patches)).first() is None, "the row waits for the blob"
            raise ServiceUnavailable("The disk is full.")

    watched = House(database, secret=house.secret, blobs=Blobs(Watching(Path("/nowhere"))))
    run = watched.claim(watched.start(watched.add_repo(), "k").run)
    with pytest.raises(ServiceUnavailable, match="disk is full"):
        watched.attempts.save_patch(run, LARGE)
    with database.read() as tx:
        assert tx.execute(sa.select(run_patches)).first() is None


def test_only_what_no_row_names_and_is_old_is_swept(house: House, store: FolderBlobs, tmp_path: Path) -> None:
    run = play(house, "k", LARGE)
    store.put(b"left by a worker that was lost")
    blobs = Blobs(store)
    assert blobs.sweep(house.database) == 0, "its row may still be under way"
    age(store, tmp_path)
    assert blobs.sweep(house.database, dry_run=True) == 1
    assert len(list(store.list())) == 2
    assert blobs.sweep(house.database) == 1
    assert house.runs.patch(house.admin, run.id) == LARGE
    with house.database.write() as tx:
        tx.execute(run_patches.delete())
    assert blobs.sweep(house.database) == 1
    assert list(store.list()) == []


@pytest.mark.parametrize("has_store", [True, False])
def test_blobs_come_along_into_a_store_or_into_the_rows(
    house: House,
    target: Database,  # noqa: F811
    tmp_path: Path,
    has_store: bool,
) -> None:
    run = play(house, "k", LARGE)
    export(house.database, tmp_path / "x.gz", Blobs(FolderBlobs(tmp_path / "blobs")))
    there = Blobs(FolderBlobs(tmp_path / "there") if has_store else None)
    take_in(target, tmp_path / "x.gz", there)
    moved = House(target, secret=house.secret, blobs=there)
    assert moved.runs.patch(moved.admin, run.id) == LARGE


def test_an_export_that_lacks_a_blob_is_no_export(house: House, store: FolderBlobs, tmp_path: Path) -> None:
    play(house, "k", LARGE)
    store.remove(next(iter(store.list())).digest)
    with pytest.raises(ServiceUnavailable, match="can't be read"):
        export(house.database, tmp_path / "x.gz", Blobs(store))
    assert not (tmp_path / "x.gz").exists()


def printed(house: House) -> tuple[Run, str]:
    """A run whose sandbox and check print more than a row holds, with a secret in the middle."""
    run = house.claim(house.start(house.add_repo(env={"TOKEN": "s3cret-value"}), "k").run)
    text = "first\n" + "x" * INLINE_BYTES + f" s3cret-value {'y' * INLINE_BYTES}\nlast\n"
    assert house.attempts.save_check(run, CheckRecord("pytest", CheckTarget.PATCH, Verdict.FAILED, 1, text))
    facts = SandboxFacts(f"{run.id}-1", log=text)
    assert house.attempts.finish(run, ending(Outcome.CHECKS_FAILED, Verdict.FAILED), facts)
    return run, text.replace("s3cret-value", "[redacted]")


def test_long_output_is_kept_whole_and_shown_short(house: House, store: FolderBlobs) -> None:
    run, text = printed(house)
    (short,) = house.runs.checks(house.admin, run.id)
    (whole,) = house.runs.checks(house.admin, run.id, whole=True)
    record = house.sandboxes.list(house.admin).items[0]
    assert whole.output == house.sandboxes.log(house.admin, record.id).text == text
    assert short.output.startswith("first") and short.output.endswith("last\n") and "bytes left out" in short.output
    assert len(short.output) < INLINE_BYTES + 100
    (entry,) = store.list()
    assert store.get(entry.digest).decode() == text, "the same content is there once"
    store.remove(entry.digest)
    with pytest.raises(ServiceUnavailable):
        house.runs.checks(house.admin, run.id, whole=True)
    with pytest.raises(ServiceUnavailable):
        house.sandboxes.log(house.admin, record.id)


def test_a_log_is_cut_where_there_is_no_store_or_it_is_away(database: Database, house: House) -> None:
    class Away(FolderBlobs):
        def put(self, content: bytes) -> str:
            raise ServiceUnavailable("It is away.")

    for blobs in (Blobs(), Blobs(Away(Path("/nowhere")))):
        empty(database)
        cut = House(database, blobs=blobs)
        run, text = printed(cut)
        (check,) = cut.runs.checks(cut.admin, run.id, whole=True)
        assert "bytes left out" in check.output and len(check.output) < len(text)
        assert cut.runs.get(cut.admin, run.id).outcome is Outcome.CHECKS_FAILED


def test_pruned_logs_let_go_of_their_blobs(house: House, store: FolderBlobs, tmp_path: Path) -> None:
    run, _ = printed(house)
    age_rows(house.database, 100)
    age(store, tmp_path)
    counts = Pruner(house.database, blobs=Blobs(store)).prune(Retention(logs=DAY_SECONDS))
    assert (counts["logs"], counts["blobs"]) == (1, 1)
    assert list(store.list()) == []
    (check,) = house.runs.checks(house.admin, run.id, whole=True)
    assert check.output == ""
