"""What checks said, per run, and the cache of what they said on a commit before any work."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mogplex.domain.check import CheckRecord
from mogplex.store.database import Transaction
from mogplex.store.schema import baselines, run_checks


def insert(tx: Transaction, run_id: str, record: CheckRecord, blob: str | None = None) -> None:
    """`blob` has the whole output, if `record` has a part."""
    row = {"run_id": run_id, "record": record.as_wire(), "blob": blob, "created_at": tx.now}
    tx.execute(run_checks.insert(), row)


def select(tx: Transaction, run_id: str) -> list[tuple[CheckRecord, str | None]]:
    """In the order in which they were saved, each with the blob that has its whole output."""
    columns = (run_checks.c.record, run_checks.c.created_at, run_checks.c.blob)
    rows = tx.execute(sa.select(*columns).where(run_checks.c.run_id == run_id).order_by(run_checks.c.id))
    return [(replace(CheckRecord.of(record), created_at=created_at), blob) for record, created_at, blob in rows]


def get_baseline(tx: Transaction, repo_id: str, commit: str, command: str, setup_key: str = "") -> CheckRecord | None:
    """`setup_key`: what the repo's setup had installed; a check says something else where something else is."""
    wanted = sa.select(baselines.c.record, baselines.c.created_at).where(
        baselines.c.repo_id == repo_id,
        baselines.c.commit == commit,
        baselines.c.command_hash == _hash(command, setup_key),
    )
    row = tx.execute(wanted).one_or_none()
    return None if row is None else replace(CheckRecord.of(row[0]), created_at=row[1], cached=True)


def put_baseline(
    tx: Transaction, repo_id: str, commit: str, command: str, record: CheckRecord, setup_key: str = ""
) -> None:
    """The newest one is kept. `command` as it ran: the record may bear a cleaned one."""
    insert_or = sqlite.insert if tx.is_sqlite else postgresql.insert
    row = {
        "repo_id": repo_id,
        "commit": commit,
        "command_hash": _hash(command, setup_key),
        "record": record.as_wire(),
        "created_at": tx.now,
    }
    statement = insert_or(baselines).values(row)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["repo_id", "commit", "command_hash"],
            set_={"record": statement.excluded.record, "created_at": statement.excluded.created_at},
        )
    )


def _hash(command: str, setup_key: str) -> str:
    """Commands may be longer than an index entry."""
    text = f"{command}\0{setup_key}" if setup_key else command
    return hashlib.sha256(text.encode()).hexdigest()
