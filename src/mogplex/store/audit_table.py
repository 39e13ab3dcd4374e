"""The table of who did what."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, String, Table

from mogplex.store.columns import JsonText
from mogplex.store.metadata import metadata

# No foreign keys: what was done outlives what it was done to, and who did it.
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Integer(), primary_key=True),
    Column("at", Double(), nullable=False),
    Column("action", String(), nullable=False),
    Column("target", String(), nullable=False),
    Column("key_id", String()),
    Column("key_name", String()),
    Column("owner", String()),
    Column("repo_id", String()),
    Column("address", String()),
    Column("request_id", String()),
    Column("count", Integer(), nullable=False),
    Column("detail", JsonText(), nullable=False),
    Index(None, "key_id", "id"),
    Index(None, "repo_id", "id"),
    Index(None, "action", "id"),
)
