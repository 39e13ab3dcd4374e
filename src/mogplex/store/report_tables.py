"""Tables that statistics and pages read, narrow and sorted by time, so that a day of them is one short range.

`run_facts` and `run_tools` are written with a run's ending, in its transaction. They outlive the run.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Double, ForeignKey, Index, Integer, String, Table

from mogplex.store.metadata import metadata, time_column

run_facts = Table(
    "run_facts",
    metadata,
    Column("created_at", Double(), primary_key=True),  # of the run
    Column("run_id", String(), primary_key=True),
    Column("repo_id", String(), nullable=False),
    Column("repo_full_name", String(), nullable=False),
    Column("harness", String(), nullable=False),
    Column("model", String()),
    Column("status", String(), nullable=False),
    Column("outcome", String(), nullable=False),
    Column("attempts", Integer(), nullable=False),
    Column("queued_ms", Integer()),
    Column("preparing_ms", Integer()),
    Column("running_ms", Integer()),
    Column("checking_ms", Integer()),
    Column("total_ms", Integer()),
    Column("input_tokens", sa.BigInteger(), nullable=False),
    Column("output_tokens", sa.BigInteger(), nullable=False),
    Column("cache_read_tokens", sa.BigInteger(), nullable=False),
    Column("cache_write_tokens", sa.BigInteger(), nullable=False),
    Column("model_calls", Integer(), nullable=False),
    Column("cost_usd", Double()),  # null: not known
    sqlite_with_rowid=False,
)

run_tools = Table(
    "run_tools",
    metadata,
    Column("created_at", Double(), primary_key=True),  # of the run
    Column("run_id", String(), primary_key=True),
    Column("tool_name", String(), primary_key=True),
    Column("repo_id", String(), nullable=False),
    Column("calls", Integer(), nullable=False),
    Column("errors", Integer(), nullable=False),
    sqlite_with_rowid=False,
)

# Starts that made no run: how many in an hour (hours since 1970) of each kind.
start_tallies = Table(
    "start_tallies",
    metadata,
    Column("hour", Integer(), primary_key=True, autoincrement=False),
    Column("repo_id", String(), primary_key=True),
    Column("kind", String(), primary_key=True),
    Column("count", Integer(), nullable=False),
)

# Browsers that are signed in. The cookie's secret is kept as a hash only; a session lives no longer than its key.
web_sessions = Table(
    "web_sessions",
    metadata,
    Column("hash", String(), primary_key=True),
    Column("key_id", String(), ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
    time_column("created_at", nullable=False),
    time_column("expires_at", nullable=False),
    Index(None, "expires_at"),
)
