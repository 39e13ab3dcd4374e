"""The table of runs: rows to `Run` and back, and the one update that moves, numbers and fences at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mogplex.domain.budget import Budget
from mogplex.domain.contest import Contest
from mogplex.domain.forge import ForgeSettings
from mogplex.domain.hook import HookSettings
from mogplex.domain.model_call import CallTotals
from mogplex.domain.run import Changes, CheckPolicy, Delivery, Failure, Outcome, Run, Status, Timing, Verdict
from mogplex.domain.usage import Usage
from mogplex.store.database import Transaction
from mogplex.store.schema import run_labels, runs

_FIELDS = tuple(each.name for each in fields(Run))
_COLUMNS = tuple(runs.c[name] for name in _FIELDS)
Conditions = Sequence[sa.ColumnElement[bool]]
# Has not ended. Whoever asks for such runs names it first: they have an index of their own, as small as they are few,
# which a planner finds by this condition only. Else it chooses by what the statistics said last about the status, and
# with an empty queue those say that one status is all of the table.
OPEN = runs.c.finished_at.is_(None)
# Waits for a slot. A contest waits for its contenders instead, which are in the queue themselves.
QUEUED = (OPEN, runs.c.status == Status.PENDING, runs.c.ready_at.is_not(None))
IN_PLAY = (OPEN, runs.c.status == Status.STREAMING)


def insert(tx: Transaction, run: Run) -> None:
    tx.execute(runs.insert(), columns_of({name: getattr(run, name) for name in _FIELDS}))
    if run.labels:
        tx.execute(run_labels.insert(), [{"run_id": run.id, "name": n, "value": v} for n, v in run.labels.items()])


def get(tx: Transaction, run_id: str, *, lock: bool = False) -> Run | None:
    """`lock` keeps others from changing the run until the transaction ends (SQLite has one writer anyway)."""
    wanted = sa.select(*_COLUMNS).where(runs.c.id == run_id)
    row = tx.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    return None if row is None else run_of(row)


def get_free(tx: Transaction, run_id: str) -> Run | None:
    """Like `get` with `lock`, but None when another transaction has it locked just now."""
    wanted = sa.select(*_COLUMNS).where(runs.c.id == run_id).with_for_update(skip_locked=True)
    row = tx.execute(wanted).one_or_none()
    return None if row is None else run_of(row)


def find_by_key(tx: Transaction, owner: str, idempotency_key: str) -> Run | None:
    found = sa.select(*_COLUMNS).where(runs.c.key_owner == owner, runs.c.idempotency_key == idempotency_key)
    row = tx.execute(found).one_or_none()
    return None if row is None else run_of(row)


def select(tx: Transaction, conditions: Conditions, limit: int) -> list[Run]:
    """The newest first."""
    wanted = sa.select(*_COLUMNS).where(*conditions).order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
    return [run_of(row) for row in tx.execute(wanted)]


def select_oldest(tx: Transaction, conditions: Conditions, limit: int) -> list[Run]:
    """The oldest first."""
    wanted = sa.select(*_COLUMNS).where(*conditions).order_by(runs.c.created_at, runs.c.id).limit(limit)
    return [run_of(row) for row in tx.execute(wanted)]


def has_label(name: str, value: str) -> sa.ColumnElement[bool]:
    """A condition on runs: they bear this label."""
    return runs.c.id.in_(sa.select(run_labels.c.run_id).where(run_labels.c.name == name, run_labels.c.value == value))


def count(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(runs).where(*conditions)).scalar_one())


def nth_newest_time(tx: Transaction, place: int, *conditions: sa.ColumnElement[bool]) -> float:
    """When the `place`-th newest (1 is the newest) of these runs was made. There must be as many."""
    wanted = sa.select(runs.c.created_at).where(*conditions).order_by(runs.c.created_at.desc())
    return float(tx.execute(wanted.offset(place - 1).limit(1)).scalar_one())


def owned(run_id: str, attempt: int, worker_id: str | None) -> list[sa.ColumnElement[bool]]:
    """The fence: the run is still this attempt of this worker, and not over."""
    return [
        runs.c.id == run_id,
        runs.c.attempt == attempt,
        runs.c.worker_id == worker_id,
        runs.c.status == Status.STREAMING,
    ]


def advance(tx: Transaction, conditions: Conditions, values: Mapping[str, Any], event_count: int) -> Run | None:
    """Change one run if it still meets `conditions`, and take its next `event_count` event numbers.

    None: it does not meet them any more, and nothing was changed. The numbers taken are the last ones up to the
    returned run's `last_seq`.
    """
    change = (
        runs.update()
        .where(*conditions)
        .values(**columns_of(values), last_seq=runs.c.last_seq + event_count, updated_at=tx.now)
        .returning(*_COLUMNS)
    )
    row = tx.execute(change).one_or_none()
    return None if row is None else run_of(row)


def take_numbers(tx: Transaction, conditions: Conditions, event_count: int, *, delivered: bool) -> int | None:
    """Like `advance`, quicker: the last number taken, or None when the fence does not hold.

    `delivered` notes that something left the house, so that a lost worker's run is not played again.
    """
    change = runs.update().where(*conditions).values(last_seq=runs.c.last_seq + event_count, updated_at=tx.now)
    if delivered:
        change = change.values(delivered_at=tx.now)
    last = tx.execute(change.returning(runs.c.last_seq)).scalar_one_or_none()
    return None if last is None else int(last)


def note_spent(tx: Transaction, run_id: str, totals: CallTotals) -> None:
    """Let the run's usage and cost be the sums over its model calls. Needs the run to be held by this transaction."""
    found = Usage.of(tx.execute(sa.select(runs.c.usage).where(runs.c.id == run_id)).scalar_one())
    values = {
        "usage": totals.with_tools(found).as_wire(),
        "cost_usd": totals.told_cost_usd,
        "cost_known": totals.cost_known,
    }
    tx.execute(runs.update().where(runs.c.id == run_id).values(**values))


def columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a `Run` as the columns hold them. Names that are no fields of a run are passed on as they are."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        match value:
            case Budget() | Usage() | Timing() | Changes() | Failure() | Contest() | ForgeSettings() | HookSettings():
                kept[name] = value.as_wire()
            case tuple():
                kept[name] = list(value)
            case Mapping():
                kept[name] = dict(value)
            case _:
                kept[name] = value
    return kept


def run_of(row: Sequence[Any]) -> Run:
    found = dict(zip(_FIELDS, row, strict=True))
    found["status"] = Status(found["status"])
    found["delivery"] = Delivery(found["delivery"])
    found["check_policy"] = CheckPolicy(found["check_policy"])
    found["outcome"] = None if found["outcome"] is None else Outcome(found["outcome"])
    for name in ("verdict", "baseline"):
        found[name] = None if found[name] is None else Verdict(found[name])
    for name in ("checks", "tests_touched", "needs"):
        found[name] = tuple(found[name])
    found["budget"] = Budget.of(found["budget"])
    found["usage"] = Usage.of(found["usage"])
    found["timing"] = Timing.of(found["timing"])
    found["contest"] = Contest.of(found["contest"])
    found["changes"] = Changes.of(found["changes"])
    found["failure"] = None if found["failure"] is None else Failure(**found["failure"])
    return Run(**found)
