"""The table of what forges asked for, and of what they are told about it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from mogplex.store.metadata import json_column as _json
from mogplex.store.metadata import metadata
from mogplex.store.metadata import time_column as _time

# `id` is the forge's own name of the message. `run_id` without a foreign key: it is known before the run's row is read.
hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    Column("repo_id", String(), ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String(), primary_key=True),
    _json("wish"),
    Column("subject", String()),
    _time("created_at", nullable=False),
    Column("status", String(), nullable=False),
    Column("run_id", String(), index=True),
    Column("refusal", Text()),
    Column("answer_id", String()),
    _time("next_at"),
    Column("tries", Integer(), nullable=False),
    Column("last_error", Text()),
    Index(None, "next_at"),
    Index(None, "repo_id", "subject"),
)
