"""The table of workers: who they are and when they last gave a sign of life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mogplex.domain.worker import WorkerInfo, WorkerRecord
from mogplex.store.database import Transaction
from mogplex.store.schema import runs, workers


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


def _gone(left_before: float, silent_before: float) -> tuple[sa.ColumnElement[bool], ...]:
    busy = sa.select(runs.c.seat).where(runs.c.seat.is_not(None))
    over = sa.or_(workers.c.left_at < left_before, workers.c.beat_at < silent_before)
    return over, workers.c.id.not_in(busy)


def count_gone(tx: Transaction, left_before: float, silent_before: float) -> int:
    """How many left before the one time or were silent since the other, and have no run."""
    wanted = sa.select(sa.func.count()).select_from(workers).where(*_gone(left_before, silent_before))
    return int(tx.execute(wanted).scalar_one())


def find_gone(tx: Transaction, left_before: float, silent_before: float, limit: int) -> list[str]:
    """The ids of up to `limit` of them."""
    wanted = sa.select(workers.c.id).where(*_gone(left_before, silent_before)).order_by(workers.c.id)
    return list(tx.execute(wanted.limit(limit)).scalars())


def remove(tx: Transaction, worker_ids: Sequence[str]) -> None:
    tx.execute(workers.delete().where(workers.c.id.in_(worker_ids)))


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
