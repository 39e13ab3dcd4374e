"""Slots of workers, what runs need of them, and how many of a repo's runs execute at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("repos", sa.Column("concurrency", sa.Integer(), nullable=True))
    op.add_column("runs", sa.Column("needs", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("runs", sa.Column("ready_at", sa.Double(), nullable=True))
    op.add_column("runs", sa.Column("seat", sa.String(), nullable=True))
    op.add_column("runs", sa.Column("hand_overs", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("workers", sa.Column("labels", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("workers", sa.Column("draining", sa.Boolean(), nullable=False, server_default=sa.false()))
    given = sa.text("seat IS NOT NULL")
    op.create_index("ix_runs_seat", "runs", ["seat"], sqlite_where=given, postgresql_where=given)
    op.execute("UPDATE runs SET seat = worker_id WHERE status = 'streaming'")
    # A contest waits for its contenders, not for a slot, until one of them is named its winner.
    op.execute(
        """UPDATE runs SET ready_at = created_at WHERE status IN ('pending', 'streaming')
        AND (contest IS NULL OR attempt > 0 OR contest LIKE '%"winner":"%')"""
    )
