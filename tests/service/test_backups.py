"""A backup made as docs/operating.md says, while the server works, is an installation that can be read."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from mogplex.blobs.folder import FolderBlobs
from mogplex.domain.run import Outcome, Status
from mogplex.service.blobs import Blobs
from mogplex.store import migrations
from mogplex.store.database import Database
from tests.databases import PostgresServer, find_binaries
from tests.house import House, said
from tests.service.test_blobs import LARGE, play


def take_backup(source: Database, folder: Path, request: pytest.FixtureRequest) -> Database:
    """As the page says, by the database's own means; restored, and opened."""
    if source.path is not None:
        with closing(sqlite3.connect(source.path)) as live, closing(sqlite3.connect(folder / "backup.db")) as copy:
            live.backup(copy)  # what `.backup` of the command line does
        return Database(f"sqlite:///{folder}/backup.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    binaries = find_binaries()
    if binaries is None or not (binaries / "pg_dump").exists():
        pytest.skip("pg_dump is not installed here")
    url = source.url.render_as_string(hide_password=False)
    dump = ["--format=custom", f"--file={folder}/backup.dump", url]
    subprocess.run([binaries / "pg_dump", *dump], check=True, timeout=60, capture_output=True)
    restored = server.url_of(server.create(empty=True))
    restore = ["--no-owner", f"--dbname={restored}", folder / "backup.dump"]
    subprocess.run([binaries / "pg_restore", *restore], check=True, timeout=60, capture_output=True)
    return Database(restored)


def test_a_restored_backup_has_the_runs_and_their_patches(
    database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    house = House(database, blobs=Blobs(FolderBlobs(tmp_path / "blobs")))
    ended = play(house, "ended", LARGE)
    working = house.claim(house.start(house.add_repo(), "working", workingBranch="w", createBranch=True).run)
    house.attempts.record(working, [said("before the backup")]).result(20)
    restored = take_backup(database, tmp_path, request)
    shutil.copytree(tmp_path / "blobs", tmp_path / "restored-blobs")  # after the database: it names only what is there
    house.attempts.record(working, [said("after it")]).result(20)
    house.close()
    assert migrations.current_revision(restored) == migrations.head_revision()
    there = House(restored, secret=house.secret, blobs=Blobs(FolderBlobs(tmp_path / "restored-blobs")))
    try:
        assert there.runs.get(there.admin, ended.id).outcome is Outcome.CHECKS_FAILED
        assert there.runs.patch(there.admin, ended.id) == LARGE
        assert there.start(there.add_repo(), "ended", workingBranch="ended", createBranch=True).replayed
        kept = there.runs.get(there.admin, working.id)
        messages = [event.message for event in there.events.page(there.admin, working.id, 0, 100).events]
        assert kept.status is Status.STREAMING and messages[-1] == "before the backup"
        (lost,) = there.workers.reap(only_me="the server that starts on the backup")
        assert lost.requeued and lost.run.id == working.id
    finally:
        there.close()
        restored.close()
