"""The container image of a repo's sandboxes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("repos", sa.Column("image", sa.String(), nullable=False, server_default=""))
