"""What forges asked for, rows to objects and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mogplex.domain.hook import Wish
from mogplex.domain.hook_delivery import HookDelivery, HookStatus
from mogplex.store.database import Transaction
from mogplex.store.hook_tables import hook_deliveries
from mogplex.store.schema import runs

_FIELDS = tuple(each.name for each in fields(HookDelivery))
_COLUMNS = tuple(hook_deliveries.c[name] for name in _FIELDS)


def insert(tx: Transaction, delivery: HookDelivery) -> None:
    row = {name: getattr(delivery, name) for name in _FIELDS}
    tx.execute(hook_deliveries.insert(), {**row, "wish": delivery.wish.as_wire()})


def get(tx: Transaction, repo_id: str, delivery_id: str) -> HookDelivery | None:
    wanted = sa.select(*_COLUMNS).where(hook_deliveries.c.repo_id == repo_id, hook_deliveries.c.id == delivery_id)
    row = tx.execute(wanted).one_or_none()
    return None if row is None else _delivery_of(row)


def has_subject(tx: Transaction, repo_id: str, subject: str) -> bool:
    """Whether a run was asked for on account of it before."""
    wanted = sa.select(hook_deliveries.c.id).where(
        hook_deliveries.c.repo_id == repo_id, hook_deliveries.c.subject == subject
    )
    return tx.execute(wanted.limit(1)).first() is not None


def is_own_branch(tx: Transaction, repo_id: str, branch: str) -> bool:
    """Whether a run of the repo worked on it."""
    wanted = sa.select(runs.c.id).where(runs.c.repo_id == repo_id, runs.c.working_branch == branch)
    return tx.execute(wanted.limit(1)).first() is not None


def select_due(tx: Transaction, limit: int) -> list[HookDelivery]:
    wanted = sa.select(*_COLUMNS).where(hook_deliveries.c.next_at <= tx.now)
    return [_delivery_of(row) for row in tx.execute(wanted.order_by(hook_deliveries.c.next_at).limit(limit))]


def select(tx: Transaction, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> list[HookDelivery]:
    """The newest first."""
    newest = (hook_deliveries.c.created_at.desc(), hook_deliveries.c.id.desc())
    return [
        _delivery_of(row) for row in tx.execute(sa.select(*_COLUMNS).where(*conditions).order_by(*newest).limit(limit))
    ]


def take(tx: Transaction, delivery: HookDelivery, lease_seconds: float) -> float | None:
    """Until when the caller alone has it; None: somebody else has it."""
    until = tx.now + lease_seconds
    where = (*_is(delivery), hook_deliveries.c.next_at == delivery.next_at)
    taken = hook_deliveries.update().where(*where).values(next_at=until, tries=delivery.tries + 1)
    return until if tx.execute(taken).rowcount == 1 else None


def update(tx: Transaction, delivery: HookDelivery, values: Mapping[str, Any]) -> None:
    tx.execute(hook_deliveries.update().where(*_is(delivery)).values(**values))


def release(tx: Transaction, delivery: HookDelivery, lease: float, next_at: float | None) -> None:
    """Unless it was called up anew meanwhile: then it stays due."""
    where = (*_is(delivery), hook_deliveries.c.next_at == lease)
    tx.execute(hook_deliveries.update().where(*where).values(next_at=next_at))


def call_up(tx: Transaction, run_id: str) -> None:
    """The run has ended: whoever asked for it is to be told."""
    where = (hook_deliveries.c.run_id == run_id, hook_deliveries.c.status == HookStatus.STARTED)
    tx.execute(hook_deliveries.update().where(*where).values(next_at=tx.now, tries=0))


def _is(delivery: HookDelivery) -> tuple[sa.ColumnElement[bool], ...]:
    return hook_deliveries.c.repo_id == delivery.repo_id, hook_deliveries.c.id == delivery.id


def _delivery_of(row: Sequence[Any]) -> HookDelivery:
    found = dict(zip(_FIELDS, row, strict=True))
    found["wish"], found["status"] = Wish.of(found["wish"]), HookStatus(found["status"])
    return HookDelivery(**found)
