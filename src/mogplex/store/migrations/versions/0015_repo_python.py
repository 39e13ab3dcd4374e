"""Which Python a repo's tests need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("repos", sa.Column("python", sa.String(), nullable=True))
