"""The table of patches: the last one of each run, whatever its ending."""

from __future__ import annotations

import sqlalchemy as sa

from mogplex.domain.blob import LargeValue
from mogplex.store.database import Transaction
from mogplex.store.schema import run_patches


def put(tx: Transaction, run_id: str, attempt: int, diff: LargeValue) -> None:
    tx.execute(run_patches.delete().where(run_patches.c.run_id == run_id))
    row = {"run_id": run_id, "attempt": attempt, "diff": diff.content, "blob": diff.blob, "created_at": tx.now}
    tx.execute(run_patches.insert(), row)


def get(tx: Transaction, run_id: str) -> LargeValue | None:
    wanted = sa.select(run_patches.c.diff, run_patches.c.blob).where(run_patches.c.run_id == run_id)
    row = tx.execute(wanted).one_or_none()
    return None if row is None else LargeValue(bytes(row.diff), row.blob)
