"""Requests that were let in, one row each, so that a sliding window is exact across processes."""

from __future__ import annotations

import sqlalchemy as sa

from mogplex.store.database import Transaction
from mogplex.store.schema import request_hits


def insert(tx: Transaction, key_id: str) -> None:
    tx.execute(request_hits.insert(), {"key_id": key_id, "at": tx.now})


def count_since(tx: Transaction, key_id: str, since: float) -> tuple[int, float | None, float | None]:
    """How many came after `since`, the oldest of those, and the oldest that is kept at all."""
    at, mine = request_hits.c.at, request_hits.c.key_id == key_id
    row = tx.execute(sa.select(sa.func.count(), sa.func.min(at)).where(mine, at > since)).one()
    oldest_kept = tx.execute(sa.select(sa.func.min(at)).where(mine)).scalar_one()
    return row[0], row[1], oldest_kept


def forget_before(tx: Transaction, key_id: str, before: float) -> None:
    tx.execute(request_hits.delete().where(request_hits.c.key_id == key_id, request_hits.c.at <= before))
