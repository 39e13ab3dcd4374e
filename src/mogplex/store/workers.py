"""The table of workers: who they are and when they last gave a sign of life."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mogplex.domain.worker import WorkerInfo, WorkerRecord
from mogplex.store.database import Transaction
from mogplex.store.schema import workers


def insert(tx: Transaction, info: WorkerInfo) -> None:
    """Raises IntegrityError for an id that was used before."""
    row = {
        "id": info.id,
        "host": info.host,
        "pid": info.pid,
        "slots": info.slots,
        "busy": 0,
        "version": info.version,
        "harnesses": list(info.harnesses),
        "labels": list(info.labels),
        "weaknesses": list(info.weaknesses),
        "draining": False,
        "started_at": tx.now,
        "beat_at": tx.now,
    }
    tx.execute(workers.insert(), row)


def beat(tx: Transaction, worker_id: str, busy: int) -> bool:
    """False: no such worker."""
    change = workers.update().where(workers.c.id == worker_id).values(beat_at=tx.now, busy=busy, left_at=None)
    return tx.execute(change).rowcount == 1


def drain(tx: Transaction, worker_id: str) -> None:
    tx.execute(workers.update().where(workers.c.id == worker_id).values(draining=True))


def leave_all_but(tx: Transaction, worker_id: str) -> None:
    """Nobody else is there: whoever did not say goodbye is gone."""
    gone = workers.update().where(workers.c.id != worker_id, workers.c.left_at.is_(None))
    tx.execute(gone.values(left_at=tx.now, busy=0))


def leave(tx: Transaction, worker_id: str) -> None:
    tx.execute(workers.update().where(workers.c.id == worker_id).values(left_at=tx.now, busy=0))


def select(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> list[WorkerRecord]:
    """The newest first."""
    rows = tx.execute(sa.select(workers).where(*conditions).order_by(workers.c.started_at.desc(), workers.c.id))
    return [_record_of(row) for row in rows]


def _record_of(row: Any) -> WorkerRecord:
    info = WorkerInfo(
        id=row.id,
        host=row.host,
        pid=row.pid,
        slots=row.slots,
        version=row.version,
        harnesses=tuple(row.harnesses),
        labels=tuple(row.labels),
        weaknesses=tuple(row.weaknesses),
    )
    return WorkerRecord(info, row.busy, row.started_at, row.beat_at, row.left_at, row.draining)
