"""What is kept of each ended run for statistics, and what is asked of it. Every function reads one range of time."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mogplex.domain.event import EventType
from mogplex.domain.run import Outcome, Run, Status
from mogplex.store import rollups
from mogplex.store.database import Transaction
from mogplex.store.report_tables import run_facts, run_tools, start_tallies
from mogplex.store.schema import run_events, sandboxes

HOUR_SECONDS = rollups.HOUR_SECONDS
DURATIONS = rollups.DURATIONS
Conditions = Sequence[sa.ColumnElement[bool]]


def record(tx: Transaction, run: Run) -> None:
    """Note an ended run. Call it in the transaction that ends it."""
    usage, timing = run.usage, run.timing
    row = {
        "created_at": run.created_at,
        "run_id": run.id,
        "repo_id": run.repo_id,
        "repo_full_name": run.repo_full_name,
        "harness": run.harness,
        "model": run.model,
        "status": run.status,
        "outcome": run.outcome,
        "attempts": run.attempt,
        **{f"{name}_ms": getattr(timing, f"{name}_ms") for name in DURATIONS},
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "model_calls": usage.model_calls,
        "cost_usd": (run.cost_usd or 0.0) if run.cost_known else None,
    }
    tx.execute(run_facts.insert(), row)
    tx.execute(run_tools.insert().from_select(list(run_tools.c.keys()), _tools_of(tx, run)))
    rollups.add(tx, row)


def _tools_of(tx: Transaction, run: Run) -> sa.Select[Any, Any, Any, Any, Any, Any]:
    kind, ok = run_events.c.type, run_events.c.payload
    if tx.is_sqlite:
        failed = sa.func.json_extract(ok, "$.ok") == 0
    else:  # -> and not ->>, which would stumble over an escaped NUL anywhere in the payload
        failed = sa.cast(sa.cast(ok, sa.JSON).op("->")("ok"), sa.Text) == "false"
    calls = sa.func.sum(sa.case((kind == EventType.TOOL_CALL, 1), else_=0))
    errors = sa.func.sum(sa.case((kind != EventType.TOOL_RESULT, 0), (failed, 1), else_=0))
    name = sa.func.coalesce(run_events.c.tool_name, "?")
    return (
        sa.select(sa.literal(run.created_at), sa.literal(run.id), name, sa.literal(run.repo_id), calls, errors)
        .where(run_events.c.run_id == run.id, kind.in_([EventType.TOOL_CALL, EventType.TOOL_RESULT]))
        .group_by(name)
    )


def tally(tx: Transaction, repo_id: str, kind: str) -> None:
    """Count one start that made no run."""
    insert_or = sqlite.insert if tx.is_sqlite else postgresql.insert
    row = {"hour": int(tx.now // HOUR_SECONDS), "repo_id": repo_id, "kind": kind, "count": 1}
    statement = insert_or(start_tallies).values(row)
    added = {"count": start_tallies.c.count + 1}
    tx.execute(statement.on_conflict_do_update(index_elements=["hour", "repo_id", "kind"], set_=added))


def count_tallies(tx: Transaction, since: float, until: float, visible: Conditions) -> dict[str, int]:
    """By kind, in the hours that the range touches."""
    hours = start_tallies.c.hour.between(int(since // HOUR_SECONDS), math.ceil(until / HOUR_SECONDS) - 1)
    wanted = sa.select(start_tallies.c.kind, sa.func.sum(start_tallies.c.count)).where(hours, *visible)
    return {kind: int(count) for kind, count in tx.execute(wanted.group_by(start_tallies.c.kind))}


_SUMS = {
    "runs": sa.func.count(),
    "success": sa.func.sum(sa.case((run_facts.c.status == Status.SUCCESS, 1), else_=0)),
    "failed": sa.func.sum(sa.case((run_facts.c.status == Status.FAILED, 1), else_=0)),
    "cancelled": sa.func.sum(sa.case((run_facts.c.status == Status.CANCELLED, 1), else_=0)),
    "cost_usd": sa.func.sum(run_facts.c.cost_usd),
    "cost_unknown": sa.func.sum(sa.case((run_facts.c.cost_usd.is_(None), 1), else_=0)),
    "input_tokens": sa.func.sum(run_facts.c.input_tokens),
    "output_tokens": sa.func.sum(run_facts.c.output_tokens),
    "cache_read_tokens": sa.func.sum(run_facts.c.cache_read_tokens),
    "cache_write_tokens": sa.func.sum(run_facts.c.cache_write_tokens),
    "model_calls": sa.func.sum(run_facts.c.model_calls),
}
_MORE_SUMS = {
    "interrupted": sa.func.sum(sa.case((run_facts.c.outcome == Outcome.INTERRUPTED, 1), else_=0)),
    "recovered": sa.func.sum(
        sa.case((sa.and_(run_facts.c.attempts > 1, run_facts.c.outcome != Outcome.INTERRUPTED), 1), else_=0)
    ),
    "deferred": sa.func.sum(sa.case((run_facts.c.queued_ms > rollups.DEFERRED_MS, 1), else_=0)),
    **{name: sa.func.count(run_facts.c[f"{name}_ms"]) for name in DURATIONS},
}
GROUPS = {
    "harness": run_facts.c.harness,
    "model": run_facts.c.model,
    "repo": run_facts.c.repo_id,
    "outcome": run_facts.c.outcome,
}
SHOWN_GROUPS = 100


def in_range(since: float, until: float) -> list[sa.ColumnElement[bool]]:
    return [run_facts.c.created_at >= since, run_facts.c.created_at < until]


def fine_sums(tx: Transaction, conditions: Conditions) -> list[sa.RowMapping]:
    """All sums over the runs that meet `conditions`, for the finest groups."""
    named = [each.label(name) for name, each in (_SUMS | _MORE_SUMS).items()]
    keys = [column.label(f"by_{name}") for name, column in GROUPS.items()]
    full_name = sa.func.max(run_facts.c.repo_full_name).label("full_name")
    rows = tx.execute(sa.select(*keys, full_name, *named).where(*conditions).group_by(*GROUPS.values()))
    return [row._mapping for row in rows]


def gather(rows: Iterable[sa.RowMapping]) -> tuple[dict[str, float], dict[str, list[dict[str, Any]]]]:
    """`fine_sums` added up: the whole, and by each of GROUPS the same, the most runs first.

    0 where there are no runs. Durations: how many are known. `name` of a group is None for runs without one;
    `full_name` is that of repos.
    """
    whole = dict.fromkeys([*_SUMS, *_MORE_SUMS], 0.0)
    groups: dict[str, dict[Any, dict[str, Any]]] = {name: {} for name in GROUPS}
    for sums in rows:
        _add(whole, sums)
        for name, found in groups.items():
            key = sums[f"by_{name}"]
            into = found.get(key)
            if into is None:
                into = found[key] = {"name": key, "full_name": sums["full_name"], **dict.fromkeys(whole, 0.0)}
            into["full_name"] = max(into["full_name"], sums["full_name"])
            _add(into, sums)
    return whole, {name: _largest(found.values()) for name, found in groups.items()}


def _add(total: dict[str, Any], sums: sa.RowMapping) -> None:
    for name in (*_SUMS, *_MORE_SUMS):
        total[name] += float(sums[name] or 0)


def _largest(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda each: (-each["runs"], each["name"] or ""))[:SHOWN_GROUPS]


def sum_by_time(
    tx: Transaction, since: float, bucket_seconds: int, conditions: Conditions
) -> dict[int, dict[str, Any]]:
    """The same by bucket: `0` begins at `since`. Empty buckets are left out."""
    place = (run_facts.c.created_at - since) / float(bucket_seconds)
    # SQLite's cast cuts, PostgreSQL's rounds; not every SQLite was built with floor.
    bucket = sa.cast(place if tx.is_sqlite else sa.func.floor(place), sa.Integer)
    named = [each.label(name) for name, each in _SUMS.items()]
    rows = tx.execute(sa.select(bucket.label("bucket"), *named).where(*conditions).group_by(sa.text("bucket")))
    return {int(row.bucket): {name: row._mapping[name] for name in _SUMS} for row in rows}


def sorted_durations(tx: Transaction, conditions: Conditions) -> dict[str, list[int]]:
    """Each duration of these runs as far as it is known, in ms, the shortest first. One look at each run, whichever."""
    wanted = sa.select(*(run_facts.c[f"{name}_ms"] for name in DURATIONS)).where(*conditions)
    found = [array("i") for _ in DURATIONS]  # a tenth of what the rows would take, until they are sorted
    for row in tx.execute(wanted.execution_options(yield_per=10_000)):
        for values, value in zip(found, row, strict=True):
            if value is not None:
                values.append(value)
    return {name: sorted(values) for name, values in zip(DURATIONS, found, strict=True)}


def count_classes(tx: Transaction, duration: str, conditions: Conditions) -> dict[int, int]:
    """How many runs had a duration of each class (`rollups.class_of`)."""
    column = run_facts.c[f"{duration}_ms"]
    found = rollups.class_expression(column).label("class")
    rows = tx.execute(
        sa.select(found, sa.func.count()).where(*conditions, column.is_not(None)).group_by(sa.text("class"))
    )
    return {int(each): int(count) for each, count in rows}


def average_attempt_ms(tx: Transaction, most: int) -> float | None:
    """How long the last `most` concluded runs took from their start; None when there was none."""
    taken = run_facts.c.total_ms - run_facts.c.queued_ms
    newest = (run_facts.c.created_at.desc(), run_facts.c.run_id.desc())  # the primary key, backwards
    last = sa.select(taken.label("taken")).order_by(*newest).limit(most)
    found = tx.execute(sa.select(sa.func.avg(last.subquery().c.taken))).scalar_one()
    return None if found is None else float(found)


def average_cost(
    tx: Transaction, repo_id: str, harness: str, model: str | None, since: float, most: int
) -> tuple[float | None, int]:
    """What the last `most` runs of a harness on a repo cost in USD on average, and how many there were; None of none.

    Only runs that asked a model, of known cost, created at `since` or later; of any model when none is named.
    """
    alike = [run_facts.c.created_at >= since, run_facts.c.repo_id == repo_id, run_facts.c.harness == harness]
    if model is not None:
        alike.append(run_facts.c.model == model)
    asked = (run_facts.c.model_calls > 0, run_facts.c.cost_usd.is_not(None))
    newest = (run_facts.c.created_at.desc(), run_facts.c.run_id.desc())
    last = sa.select(run_facts.c.cost_usd).where(*alike, *asked).order_by(*newest).limit(most).subquery()
    average, runs = tx.execute(sa.select(sa.func.avg(last.c.cost_usd), sa.func.count()).select_from(last)).one()
    return (None if average is None else float(average)), int(runs)


def sum_tools(tx: Transaction, since: float, until: float, visible: Conditions) -> list[tuple[str, int, int]]:
    """(tool, calls, errors), the most called first."""
    calls = sa.func.sum(run_tools.c.calls)
    wanted = sa.select(run_tools.c.tool_name, calls, sa.func.sum(run_tools.c.errors)).where(
        run_tools.c.created_at >= since, run_tools.c.created_at < until, *visible
    )
    rows = tx.execute(wanted.group_by(run_tools.c.tool_name).order_by(calls.desc(), run_tools.c.tool_name))
    return [(name, int(count), int(errors)) for name, count, errors in rows]


def sum_sandboxes(tx: Transaction, since: float, until: float, visible: Conditions) -> tuple[float, int]:
    """Seconds of those made in the range that have ended, and how many run now."""
    seconds = sa.select(sa.func.coalesce(sa.func.sum(sandboxes.c.wall_seconds), 0.0)).where(
        sandboxes.c.created_at >= since, sandboxes.c.created_at < until, *visible
    )
    active = sa.select(sa.func.count()).where(sandboxes.c.status == "running", *visible)
    return float(tx.execute(seconds).scalar_one()), int(tx.execute(active).scalar_one())
