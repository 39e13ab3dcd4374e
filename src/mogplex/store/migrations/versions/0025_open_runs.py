"""Runs that wait or are played have an index of their own, however many there were before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    # The end of a run and its time were always one change; this only makes sure that no ended run is taken for open.
    op.execute(
        "UPDATE runs SET finished_at = updated_at WHERE finished_at IS NULL AND status NOT IN ('pending', 'streaming')"
    )
    open_runs = sa.text("finished_at IS NULL")
    op.create_index(
        "ix_runs_open", "runs", ["status", "created_at", "id"], sqlite_where=open_runs, postgresql_where=open_runs
    )
