"""Best of several."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("runs", sa.Column("contest", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("contender_of", sa.String(), nullable=True))
    op.add_column("runs", sa.Column("contender", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_runs_contender_of"), "runs", ["contender_of"], unique=False)
