"""Writing down who did what, and reading it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mogplex.domain.audit import Action, AuditEntry
from mogplex.store.audit_table import audit_entries
from mogplex.store.database import Transaction

_FIELDS = tuple(each.name for each in fields(AuditEntry))
_COLUMNS = tuple(audit_entries.c[name] for name in _FIELDS)


def insert(tx: Transaction, action: Action, target: str, values: Mapping[str, Any]) -> None:
    row = {"count": 1, "detail": {}, **values, "at": tx.now, "action": str(action), "target": target}
    tx.execute(audit_entries.insert(), row)


def count_up(tx: Transaction, action: Action, target: str, since: float, count: int, values: Mapping[str, Any]) -> None:
    """Add to the entry that was made after `since` with the same values, or make one."""
    same = [audit_entries.c[name] == value for name, value in values.items() if value is not None]
    same += [audit_entries.c[name].is_(None) for name, value in values.items() if value is None]
    known = tx.execute(
        sa.select(audit_entries.c.id)
        .where(
            audit_entries.c.action == str(action), audit_entries.c.target == target, audit_entries.c.at > since, *same
        )
        .order_by(audit_entries.c.id.desc())
        .limit(1)
    ).scalar()
    if known is None:
        insert(tx, action, target, {**values, "count": count})
    else:
        more = audit_entries.c.count + count
        tx.execute(audit_entries.update().where(audit_entries.c.id == known).values(count=more))


def select(tx: Transaction, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> list[AuditEntry]:
    """The newest first."""
    wanted = sa.select(*_COLUMNS).where(*conditions).order_by(audit_entries.c.id.desc()).limit(limit)
    return [_entry_of(row) for row in tx.execute(wanted)]


def _entry_of(row: Sequence[Any]) -> AuditEntry:
    found = dict(zip(_FIELDS, row, strict=True))
    found["action"] = Action(found["action"])
    return AuditEntry(**found)
