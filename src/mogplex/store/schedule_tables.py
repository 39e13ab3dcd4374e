"""The tables of schedules and of their ticks."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from mogplex.store.metadata import json_column as _json
from mogplex.store.metadata import metadata
from mogplex.store.metadata import time_column as _time

schedules = Table(
    "schedules",
    metadata,
    Column("id", String(), primary_key=True),
    Column("name", String(), nullable=False),
    Column("repo_id", String(), ForeignKey("repos.id", ondelete="CASCADE"), nullable=False),
    Column("cron", String(), nullable=False),
    Column("time_zone", String(), nullable=False),
    _json("request"),
    Column("owner", String(), nullable=False),
    Column("api_key_id", String(), nullable=False),
    _time("created_at", nullable=False),
    _time("updated_at", nullable=False),
    Column("overlap", String(), nullable=False),
    Column("catch_up", sa.Boolean(), nullable=False),
    Column("alarm_after", Integer(), nullable=False),
    _time("paused_at"),
    _time("next_at"),
    _time("last_tick_at"),
    Column("last_run_id", String()),
    Column("settled_run_id", String()),
    Column("failures", Integer(), nullable=False),
    Column("unchanged", Integer(), nullable=False),
    Column("missed", Integer(), nullable=False),
    _json("alarm", nullable=True),
    Index(None, "next_at"),
    Index(None, "repo_id"),
)

schedule_ticks = Table(
    "schedule_ticks",
    metadata,
    Column("id", Integer(), primary_key=True),
    Column("schedule_id", String(), ForeignKey("schedules.id", ondelete="CASCADE"), nullable=False),
    _time("due_at", nullable=False),
    _time("at", nullable=False),
    Column("result", String(), nullable=False),
    Column("run_id", String()),
    Column("note", Text(), nullable=False),
    Index(None, "schedule_id", "id"),
)
