"""Sandboxes: one record per attempt, its log, and asking for one to be stopped."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from mogplex.domain.access import Caller, Scope
from mogplex.domain.audit import Action
from mogplex.domain.errors import BadRequest
from mogplex.domain.event import Event, EventType
from mogplex.domain.sandbox import SandboxRecord, SandboxStatus
from mogplex.service.audit import note
from mogplex.service.blobs import Blobs
from mogplex.service.events import MAX_EVENTS
from mogplex.service.ids import is_id, missing
from mogplex.service.page import Page, clamp_limit, cut, decode_time_cursor
from mogplex.store import events as event_table
from mogplex.store import sandboxes as sandbox_table
from mogplex.store.database import Database, Transaction
from mogplex.store.schema import sandboxes


@dataclass(frozen=True, slots=True)
class SandboxLog:
    """`text` is what the sandbox left; while it runs, what its `log` events say. `events`: its first 1,000."""

    record: SandboxRecord
    text: str
    events: list[Event]


class Sandboxes:
    def __init__(self, database: Database, blobs: Blobs | None = None) -> None:
        self._database = database
        self._blobs = blobs or Blobs()

    def list(
        self,
        caller: Caller,
        repo: str | None = None,
        status: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[SandboxRecord]:
        """The newest first; `repo` is an id or a full name. Raises BadRequest."""
        caller.require(Scope.READ)
        limit = clamp_limit(limit)
        conditions = _conditions(caller, repo, status, cursor)
        with self._database.read() as tx:
            found = sandbox_table.select(tx, conditions, limit + 1)
        return cut(found, limit, lambda record: (record.created_at, record.id))

    def get(self, caller: Caller, record_id: str) -> SandboxRecord:
        """Raises NotFound."""
        caller.require(Scope.READ)
        with self._database.read() as tx:
            return _visible(tx, caller, record_id)

    def log(self, caller: Caller, record_id: str) -> SandboxLog:
        """Raises NotFound; ServiceUnavailable when the log can't be read now."""
        caller.require(Scope.READ)
        with self._database.read() as tx:
            record = _visible(tx, caller, record_id)
            kept = sandbox_table.read_log(tx, record.id)
            found = event_table.since(tx, record.run_id, 0, MAX_EVENTS, record.attempt)
        text = self._blobs.read_text(kept)
        if not text:
            text = "".join(f"{event.message}\n" for event in found if event.type is EventType.LOG and event.message)
        return SandboxLog(record, text, found)

    def stop(self, caller: Caller, record_id: str) -> SandboxRecord:
        """Ask the worker to end the sandbox; its run then fails as sandbox_failed. An ended one stays as it is."""
        caller.require(Scope.WRITE)
        with self._database.write() as tx:
            record = _visible(tx, caller, record_id)
            sandbox_table.request_stop(tx, record.id, caller.key_id)
            note(tx, caller, Action.SANDBOX_STOPPED, record.id, record.repo_id)
            return _visible(tx, caller, record_id)


def _visible(tx: Transaction, caller: Caller, record_id: str) -> SandboxRecord:
    record = sandbox_table.get(tx, record_id) if is_id(record_id, "sbx") else None
    if record is None or not caller.may_see(record.repo_id):
        raise missing("sandbox record", record_id)
    return record


def _conditions(
    caller: Caller, repo: str | None, status: str | None, cursor: str | None
) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = []
    if caller.repo_ids is not None:
        wanted.append(sandboxes.c.repo_id.in_(sorted(caller.repo_ids)))
    if repo and "\x00" not in repo:
        wanted.append((sandboxes.c.repo_id if is_id(repo, "repo") else sandboxes.c.repo_full_name) == repo)
    if status is not None:
        if status not in SandboxStatus.__members__.values():
            raise BadRequest(f"status {status[:60]!r} is not known; known are: {', '.join(SandboxStatus)}.")
        wanted.append(sandboxes.c.status == status)
    if cursor is not None:
        created_at, record_id = decode_time_cursor(cursor)
        wanted.append(sa.tuple_(sandboxes.c.created_at, sandboxes.c.id) < sa.tuple_(created_at, record_id))
    return wanted
