"""Totals since the beginning, for metrics: counted up with each ending, so that nobody has to add up all runs."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Double, String, Table

from mogplex.store.metadata import metadata

run_totals = Table(
    "run_totals",
    metadata,
    Column("harness", String(), primary_key=True),
    Column("status", String(), primary_key=True),
    Column("outcome", String(), primary_key=True),
    *(
        Column(name, sa.BigInteger(), nullable=False)
        for name in (
            "runs",
            "queued_ms",
            "preparing_ms",
            "running_ms",
            "checking_ms",
            "total_ms",
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "model_calls",
            "tool_calls",
            "tool_errors",
            "cost_unknown",  # runs
        )
    ),
    Column("cost_usd", Double(), nullable=False),
)
