"""Totals of ended runs, for metrics; those that ended before are counted once, here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

COUNTS = (
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
    "cost_unknown",
)


def upgrade() -> None:
    op.create_table(
        "run_totals",
        sa.Column("harness", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.Column("cost_usd", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("harness", "status", "outcome", name=op.f("pk_run_totals")),
    )
    op.execute(
        """
        INSERT INTO run_totals (harness, status, outcome, runs, queued_ms, preparing_ms, running_ms, checking_ms,
            total_ms, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, model_calls, tool_calls,
            tool_errors, cost_unknown, cost_usd)
        SELECT f.harness, f.status, f.outcome, COUNT(*), COALESCE(SUM(f.queued_ms), 0),
            COALESCE(SUM(f.preparing_ms), 0), COALESCE(SUM(f.running_ms), 0), COALESCE(SUM(f.checking_ms), 0),
            COALESCE(SUM(f.total_ms), 0), SUM(f.input_tokens), SUM(f.output_tokens), SUM(f.cache_read_tokens),
            SUM(f.cache_write_tokens), SUM(f.model_calls),
            COALESCE(SUM((SELECT SUM(t.calls) FROM run_tools t
                WHERE t.created_at = f.created_at AND t.run_id = f.run_id)), 0),
            COALESCE(SUM((SELECT SUM(t.errors) FROM run_tools t
                WHERE t.created_at = f.created_at AND t.run_id = f.run_id)), 0),
            SUM(CASE WHEN f.cost_usd IS NULL THEN 1 ELSE 0 END), COALESCE(SUM(f.cost_usd), 0)
        FROM run_facts f GROUP BY f.harness, f.status, f.outcome
        """
    )
