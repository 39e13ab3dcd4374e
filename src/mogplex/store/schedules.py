"""The tables of schedules and of their ticks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mogplex.domain.run import Status
from mogplex.domain.schedule import Alarm, Overlap, Schedule, Tick, TickResult
from mogplex.store.database import Transaction
from mogplex.store.schedule_tables import schedule_ticks, schedules
from mogplex.store.schema import runs

_FIELDS = tuple(each.name for each in fields(Schedule))
_COLUMNS = tuple(schedules.c[name] for name in _FIELDS)
_TICK_FIELDS = tuple(each.name for each in fields(Tick))
Conditions = Sequence[sa.ColumnElement[bool]]


def insert(tx: Transaction, schedule: Schedule) -> None:
    tx.execute(schedules.insert(), _columns_of({name: getattr(schedule, name) for name in _FIELDS}))


def get(tx: Transaction, schedule_id: str) -> Schedule | None:
    row = tx.execute(sa.select(*_COLUMNS).where(schedules.c.id == schedule_id)).one_or_none()
    return None if row is None else _schedule_of(row)


def select(tx: Transaction, conditions: Conditions, limit: int) -> list[Schedule]:
    """The newest first."""
    order = (schedules.c.created_at.desc(), schedules.c.id.desc())
    return [
        _schedule_of(row) for row in tx.execute(sa.select(*_COLUMNS).where(*conditions).order_by(*order).limit(limit))
    ]


def select_due(tx: Transaction, now: float, limit: int) -> list[Schedule]:
    """Those whose next tick has come, the longest due first."""
    wanted = sa.select(*_COLUMNS).where(schedules.c.next_at <= now).order_by(schedules.c.next_at).limit(limit)
    return [_schedule_of(row) for row in tx.execute(wanted)]


def select_unsettled(tx: Transaction, limit: int) -> list[Schedule]:
    """Those whose last run has ended without its ending having been counted."""
    not_counted = sa.or_(schedules.c.settled_run_id.is_(None), schedules.c.settled_run_id != schedules.c.last_run_id)
    ended = runs.c.status.in_([status for status in Status if status.is_terminal])
    wanted = sa.select(*_COLUMNS).join(runs, runs.c.id == schedules.c.last_run_id).where(not_counted, ended)
    return [_schedule_of(row) for row in tx.execute(wanted.limit(limit))]


def update(tx: Transaction, schedule_id: str, values: Mapping[str, Any], *conditions: sa.ColumnElement[bool]) -> bool:
    """Whether the schedule still met `conditions` and was changed."""
    change = schedules.update().where(schedules.c.id == schedule_id, *conditions)
    return tx.execute(change.values(**_columns_of(values), updated_at=tx.now)).rowcount == 1


def remove(tx: Transaction, schedule_id: str) -> None:
    tx.execute(schedules.delete().where(schedules.c.id == schedule_id))


def append_ticks(tx: Transaction, schedule_id: str, ticks: Sequence[Tick]) -> None:
    rows = [{"schedule_id": schedule_id, **{name: getattr(tick, name) for name in _TICK_FIELDS}} for tick in ticks]
    tx.execute(schedule_ticks.insert(), rows)


def select_ticks(tx: Transaction, schedule_id: str, limit: int) -> list[Tick]:
    """The newest first."""
    columns = [schedule_ticks.c[name] for name in _TICK_FIELDS]
    wanted = sa.select(*columns).where(schedule_ticks.c.schedule_id == schedule_id).order_by(schedule_ticks.c.id.desc())
    return [
        Tick(due_at, at, TickResult(result), run_id, note)
        for due_at, at, result, run_id, note in tx.execute(wanted.limit(limit))
    ]


def count_alarms(tx: Transaction) -> int:
    wanted = sa.select(sa.func.count()).select_from(schedules).where(schedules.c.alarm.is_not(None))
    return int(tx.execute(wanted).scalar_one())


def _columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(values)
    if isinstance(kept.get("alarm"), Alarm):
        kept["alarm"] = kept["alarm"].as_wire()
    if "request" in kept:
        kept["request"] = dict(kept["request"])
    return kept


def _schedule_of(row: Sequence[Any]) -> Schedule:
    found = dict(zip(_FIELDS, row, strict=True))
    found["overlap"] = Overlap(found["overlap"])
    found["alarm"] = Alarm.of(found["alarm"])
    return Schedule(**found)
