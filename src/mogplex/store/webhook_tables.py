"""The tables of webhooks and of what they have to tell."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from mogplex.store.metadata import json_column as _json
from mogplex.store.metadata import metadata
from mogplex.store.metadata import time_column as _time

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(), primary_key=True),
    Column("url", Text(), nullable=False),
    _json("topics"),
    _json("repo_ids", nullable=True),
    _json("secrets"),
    _time("created_at", nullable=False),
    _time("disabled_at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String(), primary_key=True),
    Column("webhook_id", String(), ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("topic", String(), nullable=False),
    Column("body", Text(), nullable=False),
    _time("created_at", nullable=False),
    Column("status", String(), nullable=False),
    _time("next_at"),
    Column("tries", Integer(), nullable=False),
    _time("last_at"),
    Column("last_status", Integer()),
    Column("last_error", Text()),
    Column("url", Text()),
    Index(None, "next_at"),
    Index(None, "webhook_id", "created_at"),
)
