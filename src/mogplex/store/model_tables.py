"""The tables of model calls and of recorded model traffic."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Double, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from mogplex.store.metadata import metadata

# Written together with the `model_call` event that bears the same number. `api_key_id` is the run's: what a key spent
# in a day is asked before each call of it.
model_calls = Table(
    "model_calls",
    metadata,
    Column("run_id", String(), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer(), primary_key=True, autoincrement=False),
    Column("attempt", Integer(), nullable=False),
    Column("created_at", Double(), nullable=False),
    Column("api_key_id", String(), nullable=False),
    Column("provider", String(), nullable=False),
    Column("model", String(), nullable=False),
    Column("protocol", String(), nullable=False),
    Column("input_tokens", sa.BigInteger(), nullable=False),
    Column("output_tokens", sa.BigInteger(), nullable=False),
    Column("cache_read_tokens", sa.BigInteger(), nullable=False),
    Column("cache_write_tokens", sa.BigInteger(), nullable=False),
    Column("reasoning_tokens", sa.BigInteger(), nullable=False),
    Column("estimated", sa.Boolean(), nullable=False),
    Column("cost_usd", Double()),
    Column("duration_ms", Integer(), nullable=False),
    Column("ttft_ms", Integer()),
    Column("http_status", Integer()),
    Column("fault", String()),
    Column("detail", Text(), nullable=False),
    Column("retries", Integer(), nullable=False),
    Column("request_id", String()),
    Column("streamed", sa.Boolean(), nullable=False),
    Index(None, "created_at"),
    Index(None, "api_key_id", "created_at"),
)

# Only of runs that asked for it, and without anything secret.
recordings = Table(
    "recordings",
    metadata,
    Column("run_id", String(), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer(), primary_key=True, autoincrement=False),
    Column("protocol", String(), nullable=False),
    Column("model", String(), nullable=False),
    Column("request", Text(), nullable=False),
    Column("status", Integer(), nullable=False),
    Column("content_type", String(), nullable=False),
    Column("answer", LargeBinary(), nullable=False),
    Column("withheld", sa.Boolean(), nullable=False),
    Column("created_at", Double(), nullable=False),
)
