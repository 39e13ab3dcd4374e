"""What the player of a run must learn while it plays: cancels, stopped sandboxes, lost ownership."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mogplex.domain.run import Status
from mogplex.domain.worker import Signal
from mogplex.store.database import Transaction
from mogplex.store.schema import runs, sandboxes


def select_signals(tx: Transaction, run_ids: Sequence[str]) -> dict[str, Any]:
    """Run id -> the row that `signal_of` reads, in one query."""
    same_attempt = (sandboxes.c.run_id == runs.c.id) & (sandboxes.c.attempt == runs.c.attempt)
    wanted = sa.select(
        runs.c.id,
        runs.c.status,
        runs.c.worker_id,
        runs.c.cancel_requested_at,
        runs.c.superseded_by,
        sandboxes.c.stop_requested_at,
    ).select_from(runs.outerjoin(sandboxes, same_attempt))
    return {row.id: row for row in tx.execute(wanted.where(runs.c.id.in_(list(run_ids))))}


def signal_of(row: Any, worker_id: str) -> Signal | None:
    if row is None or row.worker_id != worker_id or row.status != Status.STREAMING:
        return Signal.LOST
    if row.superseded_by is not None:
        return Signal.SUPERSEDED
    if row.cancel_requested_at is not None:
        return Signal.CANCEL_REQUESTED
    if row.stop_requested_at is not None:
        return Signal.SANDBOX_STOP_REQUESTED
    return None
