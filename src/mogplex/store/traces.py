"""The traces that runs were started in, for those that were."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, String, Table

from mogplex.store.database import Transaction
from mogplex.store.metadata import metadata

run_traces = Table(
    "run_traces",
    metadata,
    Column("run_id", String(), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("traceparent", String(), nullable=False),
)


def insert(tx: Transaction, run_id: str, traceparent: str) -> None:
    tx.execute(run_traces.insert(), {"run_id": run_id, "traceparent": traceparent})


def get(tx: Transaction, run_id: str) -> str | None:
    wanted = sa.select(run_traces.c.traceparent).where(run_traces.c.run_id == run_id)
    return tx.execute(wanted).scalar_one_or_none()
