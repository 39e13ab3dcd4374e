"""The line of a harness behind each event."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("run_events", sa.Column("raw", sa.Text(), nullable=True))
