"""What statistics and the dashboard read; runs that have ended before are taken over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "run_facts",
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("repo_id", sa.String(), nullable=False),
        sa.Column("repo_full_name", sa.String(), nullable=False),
        sa.Column("harness", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("queued_ms", sa.Integer(), nullable=True),
        sa.Column("preparing_ms", sa.Integer(), nullable=True),
        sa.Column("running_ms", sa.Integer(), nullable=True),
        sa.Column("checking_ms", sa.Integer(), nullable=True),
        sa.Column("total_ms", sa.Integer(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger(), nullable=False),
        sa.Column("model_calls", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("created_at", "run_id", name=op.f("pk_run_facts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_tools",
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("tool_name", sa.String(), nullable=False),
        sa.Column("repo_id", sa.String(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("created_at", "run_id", "tool_name", name=op.f("pk_run_tools")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "start_tallies",
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("repo_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "repo_id", "kind", name=op.f("pk_start_tallies")),
    )
    op.create_table(
        "web_sessions",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_web_sessions_key_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_web_sessions")),
    )
    op.create_index(op.f("ix_web_sessions_expires_at"), "web_sessions", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_sandboxes_created_at_repo_id_wall_seconds"),
        "sandboxes",
        ["created_at", "repo_id", "wall_seconds"],
        unique=False,
    )
    op.create_index(op.f("ix_sandboxes_status_repo_id"), "sandboxes", ["status", "repo_id"], unique=False)
    _take_over_ended_runs()


def _take_over_ended_runs() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"

    def number(column: str, name: str) -> str:
        if sqlite:
            return f"json_extract({column}, '$.{name}')"
        # ->> would fail on text with escaped NULs elsewhere in the object
        return f"CAST(NULLIF(CAST(CAST({column} AS json)->'{name}' AS text), 'null') AS bigint)"

    names = "created_at, id, repo_id, repo_full_name, harness, model, status, outcome, attempt"
    timing = [number("timing", f"{each}Ms") for each in ("queued", "preparing", "running", "checking", "total")]
    counts = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "modelCalls")
    usage = [f"COALESCE({number('usage', each)}, 0)" for each in counts]
    known = "CASE WHEN cost_known THEN COALESCE(cost_usd, 0) ELSE NULL END"
    op.execute(
        f"INSERT INTO run_facts SELECT {names}, {', '.join(timing)}, {', '.join(usage)}, {known} "
        "FROM runs WHERE outcome IS NOT NULL"
    )
    failed = "json_extract(payload, '$.ok') = 0" if sqlite else "CAST(CAST(payload AS json)->'ok' AS text) = 'false'"
    op.execute(
        "INSERT INTO run_tools SELECT r.created_at, r.id, e.tool_name, r.repo_id, "
        "SUM(CASE WHEN e.type = 'tool_call' THEN 1 ELSE 0 END), "
        f"SUM(CASE WHEN e.type = 'tool_result' AND {failed} THEN 1 ELSE 0 END) "
        "FROM run_events e JOIN runs r ON r.id = e.run_id "
        "WHERE r.outcome IS NOT NULL AND e.type IN ('tool_call', 'tool_result') AND e.tool_name IS NOT NULL "
        "GROUP BY r.created_at, r.id, e.tool_name, r.repo_id"
    )
