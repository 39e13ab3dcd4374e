"""The table of patches: the last one of each run, whatever its ending."""

from __future__ import annotations

import sqlalchemy as sa

from mogplex.store.database import Transaction
from mogplex.store.schema import run_patches


def put(tx: Transaction, run_id: str, attempt: int, diff: bytes) -> None:
    tx.execute(run_patches.delete().where(run_patches.c.run_id == run_id))
    tx.execute(run_patches.insert(), {"run_id": run_id, "attempt": attempt, "diff": diff, "created_at": tx.now})


def get(tx: Transaction, run_id: str) -> bytes | None:
    found = tx.execute(sa.select(run_patches.c.diff).where(run_patches.c.run_id == run_id)).scalar_one_or_none()
    return None if found is None else bytes(found)
