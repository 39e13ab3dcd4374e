"""What is asked of checks, and whose tests decide."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for table in ("repos", "runs"):
        op.add_column(table, sa.Column("check_policy", sa.String(), nullable=False, server_default="strict"))
        op.add_column(table, sa.Column("protect_tests", sa.Boolean(), nullable=True))
    op.add_column("repos", sa.Column("check_files", sa.Text(), nullable=False, server_default="[]"))
