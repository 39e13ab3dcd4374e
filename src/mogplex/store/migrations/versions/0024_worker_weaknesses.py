"""What a worker's sandboxes don't hold, so that pages tell it of every worker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("workers", sa.Column("weaknesses", sa.Text(), nullable=False, server_default="[]"))
