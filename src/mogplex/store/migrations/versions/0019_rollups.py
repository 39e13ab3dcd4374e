"""Sums of ended runs by day and hour; those that ended before are counted once, here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

SUMS = (
    "runs",
    "cost_unknown",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "model_calls",
)
DURATIONS = ("queued", "preparing", "running", "checking", "total")
STATUSES = ("success", "failed", "cancelled")


def upgrade() -> None:
    _make("fact_days", ["day"], ["repo_id", "harness", "model", "status", "outcome"], ["repo_full_name"])
    _make("fact_hours", ["hour"], ["repo_id"], [])
    op.create_table(
        "fact_spans",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("duration", sa.String(), nullable=False),
        sa.Column("class", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "duration", "class", name=op.f("pk_fact_spans")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tool_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("repo_id", sa.String(), nullable=False),
        sa.Column("tool_name", sa.String(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "repo_id", "tool_name", name=op.f("pk_tool_days")),
        sqlite_with_rowid=False,
    )
    _count_days()
    _count_hours()
    for name in DURATIONS:
        _count_spans(name)
    op.execute(
        f"""
        INSERT INTO tool_days (day, repo_id, tool_name, calls, errors)
        SELECT {_unit(86400)}, repo_id, tool_name, SUM(calls), SUM(errors) FROM run_tools
        GROUP BY {_unit(86400)}, repo_id, tool_name
        """
    )


def _make(table: str, units: list[str], keys: list[str], texts: list[str]) -> None:
    more = ("recovered", "deferred", *DURATIONS) if table == "fact_days" else STATUSES
    op.create_table(
        table,
        *(sa.Column(name, sa.Integer(), autoincrement=False, nullable=False) for name in units),
        *(sa.Column(name, sa.String(), nullable=False) for name in (*keys, *texts)),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in (*SUMS, *more)),
        sa.Column("cost_usd", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(*units, *keys, name=op.f(f"pk_{table}")),
        sqlite_with_rowid=False,
    )


_AMOUNTS = f"""COUNT(*), SUM(CASE WHEN cost_usd IS NULL THEN 1 ELSE 0 END), COALESCE(SUM(cost_usd), 0),
    {", ".join(f"SUM({name})" for name in SUMS[2:])}"""
_NAMES = f"runs, cost_unknown, cost_usd, {', '.join(SUMS[2:])}"


def _unit(seconds: int) -> str:
    """SQLite's cast cuts, PostgreSQL's rounds; not every SQLite was built with floor."""
    if op.get_bind().dialect.name == "sqlite":
        return f"CAST(created_at / {seconds}.0 AS INTEGER)"
    return f"CAST(floor(created_at / {seconds}.0) AS INTEGER)"


def _count_days() -> None:
    day, known = _unit(86400), ", ".join(f"COUNT({name}_ms)" for name in DURATIONS)
    op.execute(
        f"""
        INSERT INTO fact_days (day, repo_id, harness, model, status, outcome, repo_full_name, {_NAMES}, recovered,
            deferred, {", ".join(DURATIONS)})
        SELECT {day}, repo_id, harness, COALESCE(model, ''), status, outcome, MAX(repo_full_name), {_AMOUNTS},
            SUM(CASE WHEN attempts > 1 AND outcome <> 'interrupted' THEN 1 ELSE 0 END),
            SUM(CASE WHEN queued_ms > 1000 THEN 1 ELSE 0 END), {known}
        FROM run_facts GROUP BY {day}, repo_id, harness, COALESCE(model, ''), status, outcome
        """
    )


def _count_hours() -> None:
    statuses = ", ".join(f"SUM(CASE WHEN status = '{name}' THEN 1 ELSE 0 END)" for name in STATUSES)
    hour = _unit(3600)
    op.execute(
        f"""
        INSERT INTO fact_hours (hour, repo_id, {_NAMES}, {", ".join(STATUSES)})
        SELECT {hour}, repo_id, {_AMOUNTS}, {statuses} FROM run_facts GROUP BY {hour}, repo_id
        """
    )


def _count_spans(name: str) -> None:
    column, day = f"{name}_ms", _unit(86400)
    coarse = " ".join(
        f"WHEN {column} < {64 << shift} THEN {shift * 32} + ({column} >> {shift})" for shift in range(1, 25)
    )
    found = f"CASE WHEN {column} < 64 THEN {column} {coarse} ELSE {25 * 32} + ({column} >> 25) END"
    op.execute(
        f"""
        INSERT INTO fact_spans (day, duration, class, runs)
        SELECT {day}, '{name}', {found}, COUNT(*) FROM run_facts WHERE {column} IS NOT NULL GROUP BY {day}, {found}
        """
    )
