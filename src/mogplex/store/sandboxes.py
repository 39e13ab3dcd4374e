"""The table of sandboxes: one row per attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mogplex.domain.blob import LargeText
from mogplex.domain.sandbox import SandboxFacts, SandboxRecord, SandboxStatus
from mogplex.store.columns import storable
from mogplex.store.database import Transaction
from mogplex.store.schema import sandboxes

_FIELDS = tuple(each.name for each in fields(SandboxRecord))
_COLUMNS = tuple(sandboxes.c[name] for name in _FIELDS)


def insert(tx: Transaction, record: SandboxRecord) -> None:
    tx.execute(sandboxes.insert(), {**{name: getattr(record, name) for name in _FIELDS}, "log": ""})


def get(tx: Transaction, record_id: str) -> SandboxRecord | None:
    row = tx.execute(sa.select(*_COLUMNS).where(sandboxes.c.id == record_id)).one_or_none()
    return None if row is None else _record_of(row)


def read_log(tx: Transaction, record_id: str) -> LargeText:
    wanted = sa.select(sandboxes.c.log, sandboxes.c.blob).where(sandboxes.c.id == record_id)
    return LargeText(*tx.execute(wanted).one())


def select(tx: Transaction, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> list[SandboxRecord]:
    """The newest first."""
    order = (sandboxes.c.created_at.desc(), sandboxes.c.id.desc())
    return [
        _record_of(row) for row in tx.execute(sa.select(*_COLUMNS).where(*conditions).order_by(*order).limit(limit))
    ]


def note_facts(tx: Transaction, run_id: str, attempt: int, facts: SandboxFacts, blob: str | None = None) -> None:
    """Add what became known; what `facts` leaves open stays as it is. `blob` has all of a log that `facts` cuts."""
    known = {each.name: getattr(facts, each.name) for each in fields(facts)}
    values = {name: value for name, value in known.items() if value not in (None, "", {})}
    for name in ("limits", "enforced"):
        if name in values:
            values[name] = dict(values[name])
    if "log" in values:
        values |= {"log": storable(values["log"]), "blob": blob}
    if values:
        tx.execute(sandboxes.update().where(*_of_attempt(run_id, attempt)).values(**values))


def end(tx: Transaction, run_id: str, attempt: int, status: SandboxStatus) -> None:
    still = sandboxes.c.status == SandboxStatus.RUNNING
    tx.execute(sandboxes.update().where(*_of_attempt(run_id, attempt), still).values(status=status, ended_at=tx.now))


def request_stop(tx: Transaction, record_id: str, by: str) -> None:
    """Once, and only of a running one."""
    open_still = (sandboxes.c.status == SandboxStatus.RUNNING, sandboxes.c.stop_requested_at.is_(None))
    tx.execute(
        sandboxes.update()
        .where(sandboxes.c.id == record_id, *open_still)
        .values(stop_requested_at=tx.now, stop_requested_by=by)
    )


def _of_attempt(run_id: str, attempt: int) -> list[sa.ColumnElement[bool]]:
    return [sandboxes.c.run_id == run_id, sandboxes.c.attempt == attempt]


def _record_of(row: Sequence[Any]) -> SandboxRecord:
    found = dict(zip(_FIELDS, row, strict=True))
    found["status"] = SandboxStatus(found["status"])
    return SandboxRecord(**found)
