"""Every table. The migrations build the same ones; a test holds the two together.

Times are seconds since 1970 (UTC) as double precision; JSON is text; ids are random text with a prefix.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Double, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

import mogplex.store.audit_table
import mogplex.store.hook_tables
import mogplex.store.model_tables
import mogplex.store.report_tables
import mogplex.store.retention_tables
import mogplex.store.rollup_tables
import mogplex.store.schedule_tables
import mogplex.store.totals_tables
import mogplex.store.traces
import mogplex.store.webhook_tables  # noqa: F401 - likewise
from mogplex.store.metadata import json_column as _json
from mogplex.store.metadata import metadata as metadata
from mogplex.store.metadata import time_column as _time


def _run_id(*, primary: bool = False) -> Column[Any]:
    key = ForeignKey("runs.id", ondelete="CASCADE")
    return Column("run_id", String(), key, primary_key=primary, nullable=False)


repos = Table(
    "repos",
    metadata,
    Column("id", String(), primary_key=True),
    Column("full_name", String(), nullable=False, index=True),
    Column("clone_url", String(), nullable=False, unique=True),
    Column("default_branch", String(), nullable=False),
    Column("root_directory", String(), nullable=False),
    _json("setup"),
    Column("python", String()),
    _json("checks"),
    _json("environment"),
    _json("allow_hosts"),
    _json("push_branches"),
    Column("default_harness", String()),
    _json("budget"),
    Column("timeout_seconds", Double()),
    Column("concurrency", Integer()),
    Column("check_policy", String(), nullable=False),
    _json("check_files"),
    Column("protect_tests", sa.Boolean()),
    Column("image", String(), nullable=False),
    _json("forge"),
    _json("hooks"),
    _time("created_at", nullable=False),
    _time("updated_at", nullable=False),
)

# `sealed` is opened by a key that is not in the database; `version` changes with the value and says nothing about it.
repo_secrets = Table(
    "repo_secrets",
    metadata,
    Column("repo_id", String(), ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(), primary_key=True),
    _json("phases"),
    Column("sealed", Text(), nullable=False),
    Column("version", String(), nullable=False),
    _time("created_at", nullable=False),
    _time("updated_at", nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(), primary_key=True),
    Column("name", String(), nullable=False),
    Column("owner", String(), nullable=False),
    Column("prefix", String(), nullable=False, index=True),
    Column("hash", String(), nullable=False, unique=True),
    _json("scopes"),
    _json("repo_ids", nullable=True),
    _time("created_at", nullable=False),
    _time("expires_at"),
    _time("last_used_at"),
    _time("revoked_at"),
)

# No foreign keys to repos and api_keys: a run outlives both.
runs = Table(
    "runs",
    metadata,
    Column("id", String(), primary_key=True),
    Column("repo_id", String(), nullable=False),
    Column("repo_full_name", String(), nullable=False),
    Column("status", String(), nullable=False),
    Column("harness", String(), nullable=False),
    Column("prompt", Text(), nullable=False),
    Column("base_branch", String(), nullable=False),
    Column("working_branch", String(), nullable=False),
    Column("create_branch", sa.Boolean(), nullable=False),
    _time("created_at", nullable=False),
    _time("updated_at", nullable=False),
    Column("key_owner", String(), nullable=False),
    Column("api_key_id", String(), nullable=False),
    Column("idempotency_key", String(), nullable=False),
    Column("request_hash", String(), nullable=False),
    Column("timeout_seconds", Double(), nullable=False),
    Column("delivery", String(), nullable=False),
    Column("root_directory", String(), nullable=False),
    Column("model", String()),
    Column("mode", String()),
    Column("title", String(), nullable=False),
    _json("labels"),
    _json("environment"),
    _json("checks"),
    Column("deliver_partial", sa.Boolean(), nullable=False),
    Column("resume", sa.Boolean(), nullable=False),
    Column("check_policy", String(), nullable=False),
    Column("protect_tests", sa.Boolean()),
    _json("budget"),
    _json("output_schema", nullable=True),
    Column("priority", Integer(), nullable=False),
    _json("needs"),
    Column("commit", String()),
    Column("base_commit", String()),
    Column("conversation_id", String()),
    Column("workspace_session_id", String()),
    _json("contest", nullable=True),
    Column("contender_of", String(), index=True),
    Column("contender", Integer()),
    Column("retry_of", String(), index=True),
    Column("retried_by", String()),
    Column("record", sa.Boolean(), nullable=False),
    Column("replay_of", String()),
    Column("attempt", Integer(), nullable=False),
    Column("worker_id", String()),
    _time("ready_at"),
    Column("seat", String()),
    Column("hand_overs", Integer(), nullable=False),
    Column("sandbox_record_id", String()),
    _time("cancel_requested_at"),
    Column("cancel_requested_by", String()),
    Column("superseded_by", String()),
    _time("started_at"),
    _time("delivered_at"),
    _time("finished_at"),
    Column("outcome", String()),
    Column("verdict", String()),
    Column("baseline", String()),
    _json("tests_touched"),
    Column("error", Text()),
    _json("failure", nullable=True),
    _json("usage"),
    Column("cost_usd", Double()),
    Column("cost_known", sa.Boolean(), nullable=False),
    _json("changes", nullable=True),
    Column("pull_request_url", String()),
    Column("notify_url", sa.Text()),
    Column("notify_webhook", String()),
    Column("partial", sa.Boolean(), nullable=False),
    Column("session", String()),
    _json("result", nullable=True),
    _json("timing"),
    Column("last_seq", Integer(), nullable=False),
    sa.UniqueConstraint("key_owner", "idempotency_key"),
    Index(None, "created_at", "id"),
    Index(None, "repo_id", "created_at", "id"),
    Index(None, "status", "created_at", "id"),
    Index(None, "key_owner", "created_at"),
    # As small as there are runs that wait or are played, or slots, however many runs there were.
    Index(
        "ix_runs_open",
        "status",
        "created_at",
        "id",
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    ),
    Index(
        "ix_runs_seat", "seat", sqlite_where=sa.text("seat IS NOT NULL"), postgresql_where=sa.text("seat IS NOT NULL")
    ),
)

run_labels = Table(
    "run_labels",
    metadata,
    _run_id(primary=True),
    Column("name", String(), primary_key=True),
    Column("value", String(), nullable=False),
    Index(None, "name", "value", "run_id"),
)

# No foreign key: this is the one hot table, and every insert is already tied to its run by the update that numbers it.
run_events = Table(
    "run_events",
    metadata,
    Column("run_id", String(), primary_key=True),
    Column("seq", Integer(), primary_key=True, autoincrement=False),
    Column("type", String(), nullable=False),
    Column("message", Text()),
    Column("tool_name", String()),
    Column("payload", Text(), nullable=False),  # JSON, encoded by whoever records it
    _time("created_at", nullable=False),
    Column("attempt", Integer(), nullable=False),
    Column("raw", Text()),  # the harness's line; not read unless it is asked for
)

run_patches = Table(
    "run_patches",
    metadata,
    _run_id(primary=True),
    Column("attempt", Integer(), nullable=False),
    Column("diff", LargeBinary(), nullable=False),  # empty when `blob` names what holds it
    Column("blob", String(), index=True),
    _time("created_at", nullable=False),
)

run_checks = Table(
    "run_checks",
    metadata,
    Column("id", Integer(), primary_key=True),
    _run_id(),
    _json("record"),
    Column("blob", String(), index=True),  # all of the output, when the record has only a part
    _time("created_at", nullable=False),
    Index(None, "run_id", "id"),
)

baselines = Table(
    "baselines",
    metadata,
    Column("repo_id", String(), ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
    Column("commit", String(), primary_key=True),
    Column("command_hash", String(), primary_key=True),
    _json("record"),
    _time("created_at", nullable=False),
)

sandboxes = Table(
    "sandboxes",
    metadata,
    Column("id", String(), primary_key=True),
    _run_id(),
    Column("repo_id", String(), nullable=False),
    Column("repo_full_name", String(), nullable=False),
    Column("attempt", Integer(), nullable=False),
    Column("worker_id", String(), nullable=False),
    Column("status", String(), nullable=False),
    _time("created_at", nullable=False),
    Column("name", String()),
    Column("driver", String()),
    _json("limits"),
    _json("enforced"),
    Column("exit_code", Integer()),
    Column("killed_by", String()),
    Column("wall_seconds", Double()),
    Column("cpu_seconds", Double()),
    Column("peak_memory_bytes", sa.BigInteger()),
    Column("processes_left", Integer()),
    _time("ended_at"),
    _time("stop_requested_at"),
    Column("stop_requested_by", String()),
    Column("log", Text(), nullable=False),
    Column("blob", String(), index=True),  # all of the log, when `log` is only a part
    sa.UniqueConstraint("run_id", "attempt"),
    Index(None, "created_at", "id"),
    Index(None, "created_at", "repo_id", "wall_seconds"),  # statistics, without the rows and their logs
    Index(None, "status", "repo_id"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(), primary_key=True),
    Column("host", String(), nullable=False),
    Column("pid", Integer(), nullable=False),
    Column("slots", Integer(), nullable=False),
    Column("busy", Integer(), nullable=False),
    Column("version", String(), nullable=False),
    _json("harnesses"),
    _json("labels"),
    _json("weaknesses"),
    Column("draining", sa.Boolean(), nullable=False),
    _time("started_at", nullable=False),
    _time("beat_at", nullable=False),
    _time("left_at"),
)

request_hits = Table(
    "request_hits",
    metadata,
    Column("id", Integer(), primary_key=True),
    Column("key_id", String(), nullable=False),
    _time("at", nullable=False),
    Index(None, "key_id", "at"),
)
