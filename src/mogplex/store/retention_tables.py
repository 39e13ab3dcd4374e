"""The tables of what was taken away: which runs are not whole any more, and the sums that statistics still need."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Double, ForeignKey, Integer, String, Table

from mogplex.store.metadata import metadata, time_column

# Which kinds were taken from a run whose record is still there.
run_prunings = Table(
    "run_prunings",
    metadata,
    Column("run_id", String(), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(), primary_key=True),
    time_column("at", nullable=False),
)

# Of runs whose record was taken away, by the hour (since 1970) in which a sandbox or a call was made: all that
# statistics read of the rows that went with them. Calls that came whole only.
pruned_sums = Table(
    "pruned_sums",
    metadata,
    Column("hour", Integer(), primary_key=True, autoincrement=False),
    Column("repo_id", String(), primary_key=True),
    Column("sandbox_seconds", Double(), nullable=False),
    Column("calls", sa.BigInteger(), nullable=False),
    Column("call_ms", sa.BigInteger(), nullable=False),
    Column("first_bytes", sa.BigInteger(), nullable=False),  # calls of which the time to the first byte is known
    Column("first_byte_ms", sa.BigInteger(), nullable=False),
)
