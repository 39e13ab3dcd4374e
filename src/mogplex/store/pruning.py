"""Taking away what is old. The only module that deletes what belongs to a run; each function is one step of a batch.

A run can be pruned when it is over, and no run that is not over still needs it: as the one it retries or replays, or
as the contest that it is a contender of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mogplex.domain.event import EventType
from mogplex.domain.hook_delivery import HookStatus
from mogplex.domain.retention import Kept
from mogplex.domain.webhook import DeliveryStatus
from mogplex.store.database import Transaction
from mogplex.store.facts import HOUR_SECONDS
from mogplex.store.hook_tables import hook_deliveries
from mogplex.store.model_tables import model_calls, recordings
from mogplex.store.retention_tables import pruned_sums, run_prunings
from mogplex.store.schema import run_checks, run_events, run_patches, runs, sandboxes
from mogplex.store.webhook_tables import webhook_deliveries


def count_runs(tx: Transaction, kind: Kept, before: float) -> int:
    """How many runs that ended before `before` still have what `kind` names."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(runs).where(*_due(kind, before))).scalar_one())


def find_runs(tx: Transaction, kind: Kept, before: float, limit: int) -> list[str]:
    """Up to `limit` of them."""
    wanted = sa.select(runs.c.id).where(*_due(kind, before)).order_by(runs.c.created_at).limit(limit)
    return list(tx.execute(wanted if tx.is_sqlite else wanted.with_for_update()).scalars())


def _due(kind: Kept, before: float) -> list[sa.ColumnElement[bool]]:
    later = runs.alias("later")
    is_open = later.c.finished_at.is_(None)
    needed = [sa.select(later.c[name]).where(is_open, later.c[name].is_not(None)) for name in ("retry_of", "replay_of")]
    contests = sa.select(later.c.id).where(is_open)
    due = [
        runs.c.created_at < before,  # which has an index; a run ends after it was made
        runs.c.finished_at < before,
        *(runs.c.id.not_in(each) for each in needed),
        sa.or_(runs.c.contender_of.is_(None), runs.c.contender_of.not_in(contests)),
    ]
    if kind is not Kept.RUNS:
        done = sa.select(run_prunings.c.run_id).where(run_prunings.c.run_id == runs.c.id, run_prunings.c.kind == kind)
        due.append(~done.exists())
    return due


def prune_runs(tx: Transaction, kind: Kept, run_ids: Sequence[str]) -> None:
    """Take what `kind` names from these runs, all of which must be due."""
    _TAKE[kind](tx, run_ids)
    if kind is not Kept.RUNS:
        tx.execute(run_prunings.insert(), [{"run_id": run_id, "kind": kind, "at": tx.now} for run_id in run_ids])


def pruned_at(tx: Transaction, run_id: str, kind: Kept) -> float | None:
    """When `kind` was taken from a run that is still there; None: it was not."""
    wanted = sa.select(run_prunings.c.at).where(run_prunings.c.run_id == run_id, run_prunings.c.kind == kind)
    return tx.execute(wanted).scalar_one_or_none()


def count_deliveries(tx: Transaction, before: float) -> int:
    """Messages of webhooks, and of forges."""
    sent = sa.select(sa.func.count()).select_from(webhook_deliveries).where(*_settled(before))
    heard = sa.select(sa.func.count()).select_from(hook_deliveries).where(*_answered(before))
    return int(tx.execute(sent).scalar_one()) + int(tx.execute(heard).scalar_one())


def prune_deliveries(tx: Transaction, before: float, limit: int) -> int:
    """How many were taken away, `limit` at most."""
    oldest = sa.select(webhook_deliveries.c.id).where(*_settled(before)).limit(limit)
    sent = tx.execute(webhook_deliveries.delete().where(webhook_deliveries.c.id.in_(oldest))).rowcount
    oldest = sa.select(hook_deliveries.c.id).where(*_answered(before)).limit(max(limit - sent, 0))
    return sent + tx.execute(hook_deliveries.delete().where(hook_deliveries.c.id.in_(oldest))).rowcount


def _settled(before: float) -> list[sa.ColumnElement[bool]]:
    return [webhook_deliveries.c.created_at < before, webhook_deliveries.c.status != DeliveryStatus.PENDING]


def _answered(before: float) -> list[sa.ColumnElement[bool]]:
    return [hook_deliveries.c.created_at < before, hook_deliveries.c.status == HookStatus.DONE]


def _take_events(tx: Transaction, run_ids: Sequence[str]) -> None:
    mine = run_events.c.run_id.in_(run_ids)
    tx.execute(run_events.delete().where(mine, run_events.c.type != EventType.FINISHED))


def _take_logs(tx: Transaction, run_ids: Sequence[str]) -> None:
    raw = run_events.c.raw.is_not(None)
    tx.execute(run_events.update().where(run_events.c.run_id.in_(run_ids), raw).values(raw=None))
    tx.execute(sandboxes.update().where(sandboxes.c.run_id.in_(run_ids)).values(log="", blob=None))
    tx.execute(recordings.delete().where(recordings.c.run_id.in_(run_ids)))
    tx.execute(run_checks.update().where(run_checks.c.run_id.in_(run_ids)).values(blob=None))
    printed = sa.select(run_checks.c.id, run_checks.c.record).where(run_checks.c.run_id.in_(run_ids))
    for row in tx.execute(printed).all():
        if row.record.get("output"):
            tx.execute(run_checks.update().where(run_checks.c.id == row.id).values(record={**row.record, "output": ""}))


def _take_patches(tx: Transaction, run_ids: Sequence[str]) -> None:
    tx.execute(run_patches.delete().where(run_patches.c.run_id.in_(run_ids)))


def _take_runs(tx: Transaction, run_ids: Sequence[str]) -> None:
    """The rows that statistics read directly are summed up first; the other tables go with the run's row."""
    _keep_sums(tx, run_ids)
    tx.execute(run_events.delete().where(run_events.c.run_id.in_(run_ids)))
    tx.execute(runs.delete().where(runs.c.id.in_(run_ids)))


_TAKE: dict[Kept, Callable[[Transaction, Sequence[str]], None]] = {
    Kept.EVENTS: _take_events,
    Kept.LOGS: _take_logs,
    Kept.PATCHES: _take_patches,
    Kept.RUNS: _take_runs,
}


def _keep_sums(tx: Transaction, run_ids: Sequence[str]) -> None:
    found: dict[tuple[int, str], dict[str, float]] = {}

    def row_of(created_at: float, repo_id: str) -> dict[str, float]:
        return found.setdefault((int(created_at // HOUR_SECONDS), repo_id), dict.fromkeys(_SUMS, 0))

    kept = sa.select(sandboxes.c.created_at, sandboxes.c.repo_id, sandboxes.c.wall_seconds)
    for created_at, repo_id, seconds in tx.execute(kept.where(sandboxes.c.run_id.in_(run_ids))):
        row_of(created_at, repo_id)["sandbox_seconds"] += seconds or 0.0
    calls = sa.select(model_calls.c.created_at, runs.c.repo_id, model_calls.c.duration_ms, model_calls.c.ttft_ms)
    calls = calls.join(runs, runs.c.id == model_calls.c.run_id)
    whole = (model_calls.c.run_id.in_(run_ids), model_calls.c.fault.is_(None))
    for created_at, repo_id, duration_ms, first_byte_ms in tx.execute(calls.where(*whole)):
        row = row_of(created_at, repo_id)
        row["calls"] += 1
        row["call_ms"] += duration_ms
        row["first_bytes"] += first_byte_ms is not None
        row["first_byte_ms"] += first_byte_ms or 0
    insert_or = sqlite.insert if tx.is_sqlite else postgresql.insert
    for (hour, repo_id), sums in found.items():
        statement = insert_or(pruned_sums).values(hour=hour, repo_id=repo_id, **sums)
        added = {name: pruned_sums.c[name] + statement.excluded[name] for name in _SUMS}
        tx.execute(statement.on_conflict_do_update(index_elements=["hour", "repo_id"], set_=added))


_SUMS = ("sandbox_seconds", "calls", "call_ms", "first_bytes", "first_byte_ms")


def sums_in(tx: Transaction, since: float, until: float, visible: Sequence[sa.ColumnElement[bool]]) -> dict[str, float]:
    """What runs that are gone used in the hours that begin in the range; `visible` are conditions on `pruned_sums`."""
    first, end = (math.ceil(moment / HOUR_SECONDS) for moment in (since, until))
    wanted = sa.select(*(sa.func.coalesce(sa.func.sum(pruned_sums.c[name]), 0) for name in _SUMS))
    row = tx.execute(wanted.where(pruned_sums.c.hour >= first, pruned_sums.c.hour < end, *visible)).one()
    return dict(zip(_SUMS, map(float, row), strict=True))
