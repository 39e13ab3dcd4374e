"""Sums by day and hour: counted up with each ending, and read for whole days and hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mogplex.domain.run import Outcome, Status
from mogplex.store.database import Transaction
from mogplex.store.report_tables import run_tools
from mogplex.store.rollup_tables import SUMS, fact_days, fact_hours, fact_spans, tool_days

DAY_SECONDS = 86400
HOUR_SECONDS = 3600
DURATIONS = ("queued", "preparing", "running", "checking", "total")
DEFERRED_MS = 1000  # longer than the dispatcher takes to notice a run and start it
_ENDED = (Status.SUCCESS, Status.FAILED, Status.CANCELLED)
_FINE = 64  # durations below have a class each; above, 32 classes for each doubling
_HALF = _FINE // 2
Conditions = Sequence[sa.ColumnElement[bool]]
Span = tuple[int, int]  # days or hours since 1970: from, up to and not including


def class_of(milliseconds: int) -> int:
    """The class that a duration is counted in: at most 1/32 wide."""
    shift = max(milliseconds.bit_length() - _FINE.bit_length() + 1, 0)
    return shift * _HALF + (milliseconds >> shift)


def largest_of(found: int) -> int:
    """The longest duration in ms of a class."""
    shift = max(found // _HALF - 1, 0)
    return ((found - shift * _HALF + 1) << shift) - 1


def class_expression(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """`class_of` in SQL."""
    shifts = range(1, 25)  # ms are below 2³¹
    coarse = [(column < _FINE << shift, shift * _HALF + column.op(">>")(shift)) for shift in shifts]
    return sa.case((column < _FINE, column), *coarse, else_=25 * _HALF + column.op(">>")(25))


def add(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Count a run by its row of `run_facts`, whose tools stand in `run_tools` already. In the ending's transaction.

    Tables and rows are taken in one order everywhere: two endings that wait for each other's row would wait for good.
    """
    day, hour = int(row["created_at"] // DAY_SECONDS), int(row["created_at"] // HOUR_SECONDS)
    sums: dict[str, Any] = {
        "runs": 1,
        "cost_unknown": int(row["cost_usd"] is None),
        "cost_usd": row["cost_usd"] or 0.0,
        **{name: row[name] for name in SUMS[2:]},
    }
    known = {name: row[f"{name}_ms"] for name in DURATIONS}
    kind = {name: row[name] for name in ("repo_id", "harness", "status", "outcome", "repo_full_name")}
    recovered = row["attempts"] > 1 and row["outcome"] != Outcome.INTERRUPTED
    deferred = (known["queued"] or 0) > DEFERRED_MS
    more = {"recovered": int(recovered), "deferred": int(deferred)}
    counted = {name: int(value is not None) for name, value in known.items()}
    _count(tx, fact_days, [{"day": day, "model": row["model"] or "", **kind, **sums, **more, **counted}])
    statuses = {str(name): int(row["status"] == name) for name in _ENDED}
    _count(tx, fact_hours, [{"hour": hour, "repo_id": row["repo_id"], **sums, **statuses}])
    spans = [
        {"day": day, "duration": name, "class": class_of(value), "runs": 1}
        for name, value in sorted(known.items())
        if value is not None
    ]
    _count(tx, fact_spans, spans)
    _count_tools(tx, row, day)


def _count_tools(tx: Transaction, row: Mapping[str, Any], day: int) -> None:
    mine = (run_tools.c.created_at == row["created_at"], run_tools.c.run_id == row["run_id"])
    wanted = sa.select(run_tools.c.tool_name, run_tools.c.calls, run_tools.c.errors).where(*mine)
    rows = [
        {"day": day, "repo_id": row["repo_id"], "tool_name": name, "calls": calls, "errors": errors}
        for name, calls, errors in tx.execute(wanted.order_by(run_tools.c.tool_name)).all()
    ]
    _count(tx, tool_days, rows)


def _count(tx: Transaction, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    insert_or = sqlite.insert if tx.is_sqlite else postgresql.insert
    statement = insert_or(table).values(rows)
    key = [column.name for column in table.primary_key]
    added = {
        name: _greater(table.c[name], statement.excluded[name])
        if name == "repo_full_name"
        else table.c[name] + statement.excluded[name]
        for name in rows[0]
        if name not in key
    }
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_=added))


def _greater(one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """`max` of two values, which PostgreSQL calls otherwise."""
    return sa.case((one > other, one), else_=other)


def day_sums(tx: Transaction, days: Span, visible: Conditions) -> list[sa.RowMapping]:
    """As `facts.fine_sums`, for whole days."""
    table = fact_days.c
    amounts = {name: sa.func.sum(table[name]) for name in (*SUMS, "cost_usd", "recovered", "deferred", *DURATIONS)}
    for status in _ENDED:
        amounts[str(status)] = sa.func.sum(sa.case((table.status == status, table.runs), else_=0))
    amounts["interrupted"] = sa.func.sum(sa.case((table.outcome == Outcome.INTERRUPTED, table.runs), else_=0))
    keys = {"harness": table.harness, "model": table.model, "repo": table.repo_id, "outcome": table.outcome}
    named = [sa.func.nullif(each, "").label(f"by_{name}") for name, each in keys.items()]
    wanted = sa.select(
        *named,
        sa.func.max(table.repo_full_name).label("full_name"),
        *(each.label(name) for name, each in amounts.items()),
    )
    rows = tx.execute(wanted.where(*_within(table.day, days), *visible).group_by(*keys.values()))
    return [row._mapping for row in rows]


def hour_sums(
    tx: Transaction, hours: Span, since: int, bucket_seconds: int, visible: Conditions
) -> dict[int, dict[str, Any]]:
    """As `facts.sum_by_time`, for whole hours; `since` and `bucket_seconds` are whole hours too."""
    table = fact_hours.c
    bucket = (table.hour - since // HOUR_SECONDS) // (bucket_seconds // HOUR_SECONDS)
    amounts = [sa.func.sum(table[str(name)]).label(str(name)) for name in (*SUMS, "cost_usd", *_ENDED)]
    wanted = sa.select(bucket.label("bucket"), *amounts).where(*_within(table.hour, hours), *visible)
    rows = tx.execute(wanted.group_by(sa.text("bucket")))
    # PostgreSQL's sums of whole numbers are decimals.
    whole = [*SUMS, *map(str, _ENDED)]
    return {
        int(row.bucket): {**{name: int(row._mapping[name]) for name in whole}, "cost_usd": float(row.cost_usd)}
        for row in rows
    }


def span_counts(tx: Transaction, days: Span) -> dict[str, dict[int, int]]:
    """Duration -> class -> how many runs of whole days, of all repos."""
    wanted = sa.select(fact_spans.c.duration, fact_spans.c["class"], sa.func.sum(fact_spans.c.runs))
    rows = tx.execute(
        wanted.where(*_within(fact_spans.c.day, days)).group_by(fact_spans.c.duration, fact_spans.c["class"])
    )
    found: dict[str, dict[int, int]] = {name: {} for name in DURATIONS}
    for name, each, count in rows:
        found[name][each] = int(count)
    return found


def tool_sums(tx: Transaction, days: Span, visible: Conditions) -> dict[str, tuple[int, int]]:
    """Tool -> calls and errors of whole days."""
    table = tool_days.c
    wanted = sa.select(table.tool_name, sa.func.sum(table.calls), sa.func.sum(table.errors))
    rows = tx.execute(wanted.where(*_within(table.day, days), *visible).group_by(table.tool_name))
    return {name: (int(calls), int(errors)) for name, calls, errors in rows}


def _within(column: sa.ColumnElement[int], span: Span) -> list[sa.ColumnElement[bool]]:
    return [column >= span[0], column < span[1]]
