"""Partial deliveries, conversations that can be resumed, and runs that a newer one took over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for name in ("deliver_partial", "resume", "partial"):
        op.add_column("runs", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("superseded_by", "session"):
        op.add_column("runs", sa.Column(name, sa.String(), nullable=True))
