"""Who is told of one run's ending."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("runs", sa.Column("notify_url", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("notify_webhook", sa.String(), nullable=True))
    op.add_column("webhook_deliveries", sa.Column("url", sa.Text(), nullable=True))
