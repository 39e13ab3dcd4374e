"""The queue and the slots as they are now, from the rows of runs that wait or run and of workers that beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from mogplex.domain.run import Status
from mogplex.store.database import Transaction
from mogplex.store.runs import OPEN, QUEUED
from mogplex.store.schema import runs, workers

Conditions = Sequence[sa.ColumnElement[bool]]
_MOST_WAITING = 1_000_000  # what MOGPLEX_QUEUE_LIMIT can be


@dataclass(frozen=True, slots=True)
class Waiting:
    """`oldest_wait_seconds` is None when nobody waits."""

    depth: int
    oldest_wait_seconds: float | None


@dataclass(frozen=True, slots=True)
class WorkerNow:
    """`busy` counts the runs that it has at this moment, whatever its last sign of life said."""

    id: str
    host: str
    version: str
    harnesses: tuple[str, ...]
    labels: tuple[str, ...]
    weaknesses: tuple[str, ...]
    draining: bool
    slots: int
    busy: int
    started_at: float
    beat_at: float

    @property
    def free(self) -> int:
        """Slots that a waiting run can take."""
        return 0 if self.draining else max(self.slots - self.busy, 0)

    def can_take(self, needs: Sequence[str]) -> bool:
        return not self.draining and set(needs) <= set(self.labels)


def waiting(tx: Transaction, visible: Conditions) -> Waiting:
    depth, oldest = tx.execute(
        sa.select(sa.func.count(), sa.func.min(runs.c.created_at)).where(*QUEUED, *visible)
    ).one()
    return Waiting(int(depth), None if oldest is None else _wait(tx, oldest))


def waiting_by_repo(tx: Transaction, visible: Conditions) -> list[tuple[str, str, int, float]]:
    """(repo id, full name, depth, oldest wait in seconds), the longest queue first."""
    each = _waiting_rows(visible)
    depth = sa.func.count()
    wanted = sa.select(each.c.repo_id, sa.func.max(each.c.repo_full_name), depth, sa.func.min(each.c.created_at))
    rows = tx.execute(wanted.group_by(each.c.repo_id).order_by(depth.desc(), each.c.repo_id))
    return [(repo_id, name, int(count), _wait(tx, oldest)) for repo_id, name, count, oldest in rows]


def waiting_by_priority(tx: Transaction, visible: Conditions) -> list[tuple[int, int]]:
    """(priority, depth), the first to go first."""
    each = _waiting_rows(visible)
    wanted = sa.select(each.c.priority, sa.func.count()).group_by(each.c.priority)
    return [(int(priority), int(count)) for priority, count in tx.execute(wanted.order_by(each.c.priority.desc()))]


def _waiting_rows(visible: Conditions) -> sa.Subquery:
    """Found first and grouped then: the limit keeps planners from walking all runs in the order of the group."""
    columns = (runs.c.repo_id, runs.c.repo_full_name, runs.c.priority, runs.c.created_at)
    return sa.select(*columns).where(*QUEUED, *visible).limit(_MOST_WAITING).subquery()


def count_waiting_since(tx: Transaction, moment: float, visible: Conditions) -> int:
    """Runs that wait for a slot and were made before `moment`."""
    wanted = sa.select(sa.func.count()).where(*QUEUED, runs.c.created_at < moment, *visible)
    return int(tx.execute(wanted).scalar_one())


def count_open(tx: Transaction, since: float, until: float, visible: Conditions) -> dict[str, int]:
    """Runs made in the range that have not ended, by status."""
    found = {}
    for status in (Status.PENDING, Status.STREAMING):  # one range of an index each
        made = (OPEN, runs.c.status == status, runs.c.created_at >= since, runs.c.created_at < until)
        found[str(status)] = int(tx.execute(sa.select(sa.func.count()).where(*made, *visible)).scalar_one())
    return found


def count_up_to(tx: Transaction, most: int, conditions: Conditions) -> int:
    """How many runs meet `conditions`; stops at `most`, so that a long history costs no more than a short one."""
    some = sa.select(sa.literal(1)).select_from(runs).where(*conditions).limit(most).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def workers_now(tx: Transaction, alive_within_seconds: float) -> list[WorkerNow]:
    """Those that have not left and gave a sign of life lately, the oldest first."""
    counted = sa.select(runs.c.seat, sa.func.count()).where(runs.c.seat.is_not(None)).group_by(runs.c.seat)
    busy = {worker: int(count) for worker, count in tx.execute(counted)}
    alive = (workers.c.left_at.is_(None), workers.c.beat_at > tx.now - alive_within_seconds)
    rows = tx.execute(sa.select(workers).where(*alive).order_by(workers.c.started_at, workers.c.id))
    return [
        WorkerNow(
            id=row.id,
            host=row.host,
            version=row.version,
            harnesses=tuple(row.harnesses),
            labels=tuple(row.labels),
            weaknesses=tuple(row.weaknesses),
            draining=row.draining,
            slots=row.slots,
            busy=busy.get(row.id, 0),
            started_at=row.started_at,
            beat_at=row.beat_at,
        )
        for row in rows
    ]


def _wait(tx: Transaction, since: float) -> float:
    return round(max(tx.now - since, 0.0), 3)
