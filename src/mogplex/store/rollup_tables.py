"""Sums of ended runs by day and hour (UTC, counted since 1970), so that a long window need not read each run.

They are counted up with a run's ending, in its transaction, and hold what `run_facts` and `run_tools` say row by row.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Double, Integer, String, Table

from mogplex.store.metadata import metadata

SUMS = (
    "runs",
    "cost_unknown",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "model_calls",
)


def _sums(*names: str) -> list[Column[int]]:
    return [Column(name, sa.BigInteger(), nullable=False) for name in names]


# One row for each kind of run of a day: whatever is grouped by, it is a sum of these. Durations: how many are known.
fact_days = Table(
    "fact_days",
    metadata,
    Column("day", Integer(), primary_key=True, autoincrement=False),
    Column("repo_id", String(), primary_key=True),
    Column("harness", String(), primary_key=True),
    Column("model", String(), primary_key=True),  # "": none was named
    Column("status", String(), primary_key=True),
    Column("outcome", String(), primary_key=True),
    Column("repo_full_name", String(), nullable=False),
    *_sums(*SUMS, "recovered", "deferred", "queued", "preparing", "running", "checking", "total"),
    Column("cost_usd", Double(), nullable=False),
    sqlite_with_rowid=False,
)

fact_hours = Table(
    "fact_hours",
    metadata,
    Column("hour", Integer(), primary_key=True, autoincrement=False),
    Column("repo_id", String(), primary_key=True),
    *_sums(*SUMS, "success", "failed", "cancelled"),
    Column("cost_usd", Double(), nullable=False),
    sqlite_with_rowid=False,
)

# Of all repos: how many runs of a day had a duration of each class (see `rollups.class_of`).
fact_spans = Table(
    "fact_spans",
    metadata,
    Column("day", Integer(), primary_key=True, autoincrement=False),
    Column("duration", String(), primary_key=True),
    Column("class", Integer(), primary_key=True, autoincrement=False),
    Column("runs", Integer(), nullable=False),
    sqlite_with_rowid=False,
)

tool_days = Table(
    "tool_days",
    metadata,
    Column("day", Integer(), primary_key=True, autoincrement=False),
    Column("repo_id", String(), primary_key=True),
    Column("tool_name", String(), primary_key=True),
    *_sums("calls", "errors"),
    sqlite_with_rowid=False,
)
