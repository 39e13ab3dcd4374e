"""The totals of ended runs, by harness, status and outcome: few rows, whatever the number of runs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mogplex.domain.run import Run
from mogplex.store.database import Transaction
from mogplex.store.totals_tables import run_totals

KEY = ("harness", "status", "outcome")
DURATIONS = ("queued", "preparing", "running", "checking", "total")
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def add(tx: Transaction, run: Run) -> None:
    """Count an ended run. Call it in the transaction that ends it."""
    usage, timing = run.usage, run.timing
    row: dict[str, Any] = {
        "harness": run.harness,
        "status": run.status,
        "outcome": run.outcome,
        "runs": 1,
        **{f"{name}_ms": getattr(timing, f"{name}_ms") or 0 for name in DURATIONS},
        **{name: getattr(usage, name) for name in (*TOKENS, "model_calls", "tool_calls", "tool_errors")},
        "cost_unknown": int(not run.cost_known),
        "cost_usd": run.cost_usd or 0.0,
    }
    insert_or = sqlite.insert if tx.is_sqlite else postgresql.insert
    statement = insert_or(run_totals).values(row)
    added = {name: run_totals.c[name] + statement.excluded[name] for name in row if name not in KEY}
    tx.execute(statement.on_conflict_do_update(index_elements=list(KEY), set_=added))


def select(tx: Transaction) -> list[dict[str, Any]]:
    rows = tx.execute(sa.select(run_totals).order_by(*(run_totals.c[name] for name in KEY)))
    return [dict(row._mapping) for row in rows]
