"""Names of blobs, where a value is too large for its row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    for table in ("run_patches", "run_checks", "sandboxes"):
        op.add_column(table, sa.Column("blob", sa.String(), nullable=True))
        op.create_index(op.f(f"ix_{table}_blob"), table, ["blob"], unique=False)
