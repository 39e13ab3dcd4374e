"""Slots as the rows of runs tell them: which are taken, who waits for one, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from mogplex.domain.run import Delivery, Run, Status
from mogplex.store.columns import encode
from mogplex.store.database import Transaction
from mogplex.store.runs import QUEUED
from mogplex.store.schema import repos, runs

_other = runs.alias("other")
# Runs that push to the same branch go one after the other; one that only keeps a patch is in nobody's way. Asked by a
# list, not run by run: planners would look through all runs of the repo for the few that have a slot.
_BUSY_BRANCHES = sa.select(_other.c.repo_id, _other.c.working_branch).where(
    _other.c.seat.is_not(None), _other.c.delivery != Delivery.PATCH
)
BRANCH_BUSY = sa.and_(
    runs.c.delivery != Delivery.PATCH, sa.tuple_(runs.c.repo_id, runs.c.working_branch).in_(_BUSY_BRANCHES)
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A slot that is taken, and by what. `repo_limit` is the repo's own."""

    worker_id: str
    repo_id: str
    api_key_id: str
    repo_limit: int | None


@dataclass(frozen=True, slots=True)
class Waiter:
    """A run that waits for a slot."""

    run_id: str
    repo_id: str
    api_key_id: str
    needs: tuple[str, ...]
    repo_limit: int | None


@dataclass(frozen=True, slots=True)
class Barred:
    """Who can't go now, as far as it is known: repos and keys at their limit, labels that the worker has not."""

    repo_ids: frozenset[str] = frozenset()
    key_ids: frozenset[str] = frozenset()
    needs: frozenset[tuple[str, ...]] = frozenset()


def turn_of(aging_seconds: float) -> sa.ColumnElement[float]:
    """The order of the queue, the least first. A run counts one priority higher for each `aging_seconds` that it waits;
    as that goes for all, the order between two never changes, and nobody is passed for ever."""
    return runs.c.ready_at - runs.c.priority * aging_seconds


def taken(tx: Transaction) -> list[Taken]:
    wanted = sa.select(runs.c.seat, runs.c.repo_id, runs.c.api_key_id, repos.c.concurrency)
    joined = wanted.select_from(runs.outerjoin(repos, repos.c.id == runs.c.repo_id))
    return [Taken(*row) for row in tx.execute(joined.where(runs.c.seat.is_not(None)))]


def is_anyone_waiting(tx: Transaction) -> bool:
    wanted = sa.select(sa.literal(1)).select_from(runs).where(*QUEUED, runs.c.seat.is_(None)).limit(1)
    return tx.execute(wanted).scalar() is not None


def waiters(tx: Transaction, aging_seconds: float, barred: Barred, most: int) -> list[Waiter]:
    """Whose turn is next, but for those barred. Rows that somebody is changing are passed over, not waited for."""
    conditions = [*QUEUED, runs.c.seat.is_(None), sa.not_(BRANCH_BUSY)]
    if barred.repo_ids:
        conditions.append(runs.c.repo_id.not_in(sorted(barred.repo_ids)))
    if barred.key_ids:
        conditions.append(runs.c.api_key_id.not_in(sorted(barred.key_ids)))
    if barred.needs:
        texts = [encode(list(needs)) for needs in sorted(barred.needs)]
        conditions.append(sa.cast(runs.c.needs, sa.Text).not_in(texts))
    limit = sa.select(repos.c.concurrency).where(repos.c.id == runs.c.repo_id).scalar_subquery()
    wanted = sa.select(runs.c.id, runs.c.repo_id, runs.c.api_key_id, runs.c.needs, limit).where(*conditions)
    ordered = wanted.order_by(turn_of(aging_seconds), runs.c.id).limit(most)
    rows = tx.execute(ordered.with_for_update(skip_locked=True, of=runs))
    return [Waiter(run_id, repo_id, key, tuple(needs), limit) for run_id, repo_id, key, needs, limit in rows]


def take(tx: Transaction, run_id: str, worker_id: str) -> int | None:
    """Give a waiting run a slot of the worker: the number of this hand-over, or None when it waits no more."""
    change = (
        runs.update()
        .where(runs.c.id == run_id, *QUEUED, runs.c.seat.is_(None))
        .values(seat=worker_id, hand_overs=runs.c.hand_overs + 1)
        .returning(runs.c.hand_overs)
    )
    found = tx.execute(change).scalar_one_or_none()
    return None if found is None else int(found)


def is_given_to_others(tx: Transaction, worker_ids: Collection[str]) -> bool:
    """Whether a run was handed to somebody else than these and not begun."""
    wanted = sa.select(sa.literal(1)).select_from(runs).where(*_handed(runs.c.seat.not_in(sorted(worker_ids))))
    return tx.execute(wanted.limit(1)).scalar() is not None


def give_back(tx: Transaction, worker_ids: Collection[str] | None = None, *, but: Collection[str] = ()) -> int:
    """Let runs wait again that were handed to `worker_ids` (None: anybody `but` these) and never begun. How many."""
    of_them = runs.c.seat.not_in(sorted(but)) if worker_ids is None else runs.c.seat.in_(sorted(worker_ids))
    return tx.execute(runs.update().where(*_handed(of_them)).values(seat=None)).rowcount


def _handed(to: sa.ColumnElement[bool]) -> tuple[sa.ColumnElement[bool], ...]:
    return runs.c.seat.is_not(None), to, runs.c.status == Status.PENDING


def count_ahead(tx: Transaction, run: Run, aging_seconds: float) -> int:
    """How many waiting runs have their turn before this one."""
    if run.ready_at is None:
        return 0
    mine, turn = run.ready_at - run.priority * aging_seconds, turn_of(aging_seconds)
    before = sa.or_(turn < mine, sa.and_(turn == mine, runs.c.id < run.id))
    return int(tx.execute(sa.select(sa.func.count()).select_from(runs).where(*QUEUED, before)).scalar_one())


def is_branch_busy(tx: Transaction, run_id: str) -> bool:
    return tx.execute(sa.select(sa.literal(1)).where(runs.c.id == run_id, BRANCH_BUSY)).scalar() is not None


def waiting_by_needs(tx: Transaction, visible: Sequence[sa.ColumnElement[bool]]) -> list[tuple[tuple[str, ...], int]]:
    """(labels, depth), the most first; () are those that any worker may take."""
    count = sa.func.count()
    each = sa.select(runs.c.needs).where(*QUEUED, *visible).limit(1_000_000).subquery()
    rows = tx.execute(sa.select(each.c.needs, count).group_by(each.c.needs).order_by(count.desc(), each.c.needs))
    return [(tuple(needs), int(number)) for needs, number in rows]
