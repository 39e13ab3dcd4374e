"""What was taken away, and the sums that statistics still need of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "run_prunings",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "kind", name=op.f("pk_run_prunings")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_prunings_run_id"), ondelete="CASCADE"),
    )
    op.create_table(
        "pruned_sums",
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("repo_id", sa.String(), nullable=False),
        sa.Column("sandbox_seconds", sa.Double(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("call_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_bytes", sa.BigInteger(), nullable=False),
        sa.Column("first_byte_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "repo_id", name=op.f("pk_pruned_sums")),
    )
