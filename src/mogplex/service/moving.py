"""Moving a whole installation from one database to another, of whichever kind."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mogplex.domain.blob import LargeValue
from mogplex.domain.errors import BadRequest, Conflict
from mogplex.service.blobs import Blobs
from mogplex.service.workers import Workers
from mogplex.store import blob_names, seats, transfer
from mogplex.store import runs as run_table
from mogplex.store.archive import create_archive, open_archive
from mogplex.store.database import Database, Transaction
from mogplex.store.schema import repo_secrets
from mogplex.store.webhook_tables import webhooks


@dataclass(frozen=True, slots=True)
class Moved:
    """`rows` by table. `sealed`: how many rows can be opened only with a key that is not in the database."""

    rows: dict[str, int]
    sealed: int
    pending: int  # runs that wait, or will be begun again


def export_database(database: Database, blobs: Blobs, path: Path, revision: str, program: str) -> Moved:
    """Write all of `database`, as it is at one moment, and the blobs that it names to a new file at `path`.

    Raises BadRequest for `path`, ServiceUnavailable for a blob that can't be read.
    """
    with database.read() as tx, create_archive(path) as archive:
        tx.allow_pauses()
        archive.begin({"revision": revision, "program": program, "madeAt": tx.now, "tables": transfer.table_names()})
        for name in transfer.table_names():
            archive.begin_table(name, transfer.column_names(name))
            for row in transfer.dump_rows(tx, name):
                archive.add_row(row)
        for digest in blob_names.all_named(tx):
            archive.add_blob(digest, blobs.read(LargeValue(blob=digest)))
        open_runs = run_table.count(tx, run_table.OPEN)
        return Moved(archive.end(), _count_sealed(tx), open_runs)


def import_database(database: Database, blobs: Blobs, path: Path, revision: str, workers: Workers) -> Moved:
    """Take all of the file into an empty database: it is all there, or nothing is.

    Runs that wait, wait here too; those that somebody was playing count as lost by their worker. Raises BadRequest for
    a file that is broken or of another version, Conflict for a database that is not empty.
    """
    with database.write() as tx, open_archive(path) as lines:
        tx.allow_pauses()
        full = transfer.find_full(tx)
        if full:
            raise Conflict(
                f"The database is not empty ({', '.join(full[:5])}). Import into a new one, before a server has "
                "started on it."
            )
        facts, _ = next(lines)
        if facts.get("revision") != revision:
            raise BadRequest(
                f"{path} has the tables of revision {facts.get('revision')}, and this version needs {revision}. Export "
                "and import with the same version; `mogplex db upgrade` brings the old database to it."
            )
        expected = _take_rows(tx, blobs, lines)
        transfer.set_counters(tx)
        found = transfer.count_rows(tx)
        if found != expected:
            wrong = [name for name in found if found[name] != expected.get(name)]
            raise BadRequest(f"{path} is not whole: other numbers of rows than it says in {', '.join(wrong)}.")
        return Moved(found, _count_sealed(tx), _let_wait(tx, workers))


def _take_rows(tx: Transaction, blobs: Blobs, lines: Iterator[tuple[Any, int]]) -> dict[str, int]:
    """How many rows of each table there must be now."""
    loader: transfer.Loader | None = None
    taken: set[str] = set()
    for value, size in lines:
        if isinstance(value, list):
            if loader is None:
                raise BadRequest("The file has a row before the first table.")
            loader.add(value, size)
            continue
        if loader is not None:
            loader.flush()
            loader = None
        if "blob" in value:
            _take_blob(tx, blobs, value["blob"], base64.b64decode(value["base64"]))
            taken.add(value["blob"])
            continue
        if "sha256" in value:
            lost = set(blob_names.all_named(tx)) - taken
            if lost or value["blobs"] != len(taken):
                raise BadRequest("The file is not whole: blobs that its rows name are missing.")
            rows: dict[str, int] = value["rows"]
            return rows
        loader = transfer.Loader(tx, value["table"], value["columns"])
    raise AssertionError("the lines of an archive end with its counts")


def _take_blob(tx: Transaction, blobs: Blobs, digest: str, content: bytes) -> None:
    """Into the store, or into the rows that name it where there is no store."""
    if hashlib.sha256(content).hexdigest() != digest:
        raise BadRequest(f"The blob {digest[:12]}… in the file is not what its name says.")
    if blobs.store is None:
        blob_names.put_in_rows(tx, digest, content)
    else:
        blobs.store.put(content)


def _let_wait(tx: Transaction, workers: Workers) -> int:
    """Nobody has anything here yet: what was begun is lost by who had it, and what was handed over waits again."""
    for run in run_table.select_oldest(tx, [*run_table.IN_PLAY], limit=2**31 - 1):
        workers.settle(tx, run)
    seats.give_back(tx)
    return run_table.count(tx, *run_table.QUEUED)


def _count_sealed(tx: Transaction) -> int:
    counts = (sa.select(sa.func.count()).select_from(table) for table in (repo_secrets, webhooks))
    return sum(int(tx.execute(count).scalar_one()) for count in counts)
