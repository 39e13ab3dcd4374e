"""Model calls of all runs: found, sorted, averaged. Every question is about one range of time or one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from mogplex.domain.model_call import StoredCall
from mogplex.store import model_calls as call_table
from mogplex.store.database import Transaction
from mogplex.store.model_tables import model_calls
from mogplex.store.schema import runs

Conditions = Sequence[sa.ColumnElement[bool]]
_TOKENS = sum(
    (model_calls.c[name] for name in ("output_tokens", "cache_read_tokens", "cache_write_tokens")),
    start=model_calls.c.input_tokens,
)
ORDERS = {
    "time": model_calls.c.created_at,
    "cost": sa.func.coalesce(model_calls.c.cost_usd, -1),  # unknown ones last
    "tokens": _TOKENS,
    "duration": model_calls.c.duration_ms,
}


def in_range(since: float, until: float) -> list[sa.ColumnElement[bool]]:
    return [model_calls.c.created_at >= since, model_calls.c.created_at < until]


def of_repos(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """A condition on calls: they are of runs that meet `conditions`."""
    mine = sa.select(sa.literal(1)).where(runs.c.id == model_calls.c.run_id, *conditions)
    return mine.correlate(model_calls).exists()


def search(tx: Transaction, conditions: Conditions, order: str, offset: int, limit: int) -> list[StoredCall]:
    """The greatest first by one of ORDERS; of equals the newest."""
    ties = (model_calls.c.created_at.desc(), model_calls.c.run_id, model_calls.c.seq)
    wanted = sa.select(*call_table.COLUMNS).where(*conditions).order_by(ORDERS[order].desc(), *ties)
    return [call_table.call_of(row) for row in tx.execute(wanted.offset(offset).limit(limit))]


def averages(
    tx: Transaction, conditions: Conditions, gone: Mapping[str, float] | None = None
) -> tuple[int | None, int | None]:
    """Milliseconds to the end and to the first byte, of calls that came whole; None of none.

    `gone`: sums of calls whose rows were pruned (`pruning.sums_in`), which count too.
    """
    gone = gone or {}
    columns = (model_calls.c.duration_ms, model_calls.c.ttft_ms)
    wanted = sa.select(*(each for column in columns for each in (sa.func.count(column), sa.func.sum(column))))
    row = tx.execute(wanted.where(*conditions, model_calls.c.fault.is_(None))).one()
    calls, call_ms, first_bytes, first_byte_ms = (float(value or 0) for value in row)
    return (
        _average(call_ms + gone.get("call_ms", 0.0), calls + gone.get("calls", 0.0)),
        _average(first_byte_ms + gone.get("first_byte_ms", 0.0), first_bytes + gone.get("first_bytes", 0.0)),
    )


def _average(total: float, count: float) -> int | None:
    return round(total / count) if count else None
