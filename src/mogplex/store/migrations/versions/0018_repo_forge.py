"""Where a repo's pull requests are opened, as its owner settled it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("repos", sa.Column("forge", sa.Text(), nullable=False, server_default="{}"))
