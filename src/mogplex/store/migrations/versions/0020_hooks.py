"""What forges' messages may start, and those that came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("repos", sa.Column("hooks", sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "hook_deliveries",
        sa.Column("repo_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("answer_id", sa.String(), nullable=True),
        sa.Column("next_at", sa.Double(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("repo_id", "id", name=op.f("pk_hook_deliveries")),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name=op.f("fk_hook_deliveries_repo_id"), ondelete="CASCADE"),
    )
    op.create_index(op.f("ix_hook_deliveries_run_id"), "hook_deliveries", ["run_id"], unique=False)
    op.create_index(op.f("ix_hook_deliveries_next_at"), "hook_deliveries", ["next_at"], unique=False)
    op.create_index(op.f("ix_hook_deliveries_repo_id_subject"), "hook_deliveries", ["repo_id", "subject"], unique=False)
