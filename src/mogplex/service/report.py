"""Statistics of a window of time, and the pressure now. docs/observability.md has the formula of every number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from mogplex.domain.access import Caller, Scope
from mogplex.domain.errors import BadRequest
from mogplex.domain.model_call import StoredCall
from mogplex.domain.run import Status
from mogplex.domain.seating import SeatRules, estimate_wait
from mogplex.domain.statistics import (
    LARGEST_WINDOW_SECONDS,
    STALE_PENDING_SECONDS,
    bucket_seconds_of,
    empty_sums,
    success_rate,
    sums_object,
)
from mogplex.domain.view import format_time
from mogplex.service.call_search import CallFilter, find_calls, visible_calls
from mogplex.service.events import MAX_EVENTS, visible_run
from mogplex.service.limits import Limits
from mogplex.service.page import Page, clamp_limit
from mogplex.service.places import ESTIMATE_FROM_RUNS
from mogplex.service.run_filter import RunFilter
from mogplex.service.tally import StartTally
from mogplex.service.tool_calls import ToolPage, read_tool_uses
from mogplex.store import call_search, facts, pruning, queue, seats, windows
from mogplex.store.database import Database, Transaction
from mogplex.store.report_tables import start_tallies
from mogplex.store.retention_tables import pruned_sums
from mogplex.store.schema import runs, sandboxes
from mogplex.store.windows import Window

DEFAULT_WINDOW_SECONDS = 86400.0
COUNTED_RUNS = 1000
_TOKEN_CLASSES = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cacheRead": "cache_read_tokens",
    "cacheWrite": "cache_write_tokens",
}
Object = dict[str, Any]


class Report:
    """Reads only. A key that is bound to repos gets numbers of those repos only; workers and slots are everybody's."""

    def __init__(self, database: Database, limits: Limits, *, rules: SeatRules, queue_limit: int) -> None:
        self._database = database
        self._limits = limits
        self._rules = rules
        self._queue_limit = queue_limit

    def stats(self, caller: Caller, since: float | None = None, until: float | None = None) -> Object:
        """Of runs made from `since` up to, not including, `until` (seconds since 1970; default: the last 24 h).

        Raises BadRequest for a window that is empty or longer than 400 days.
        """
        caller.require(Scope.READ)
        with self._database.read() as tx:
            until = tx.now if until is None else until
            since = until - DEFAULT_WINDOW_SECONDS if since is None else since
            _require_window(since, until)
            return self._stats(tx, caller, since, until)

    def _stats(self, tx: Transaction, caller: Caller, since: float, until: float) -> Object:
        window = Window(since, until, caller.repo_ids)
        sums, groups = windows.sum_up(tx, window)
        waiting = queue.waiting(tx, _visible(caller, runs))
        open_runs = queue.count_open(tx, since, until, _visible(caller, runs))
        tallies = facts.count_tallies(tx, since, until, _visible(caller, start_tallies))
        seconds, active = facts.sum_sandboxes(tx, since, until, _visible(caller, sandboxes))
        ranged = [*call_search.in_range(since, until), *visible_calls(caller)]
        gone = pruning.sums_in(tx, since, until, _visible(caller, pruned_sums))
        duration_ms, ttft_ms = call_search.averages(tx, ranged, gone)
        bucket_seconds = bucket_seconds_of(until - since)
        total = int(sums["runs"]) + sum(open_runs.values())
        return {
            "window": {"from": format_time(since), "to": format_time(until), "bucketSeconds": bucket_seconds},
            "runs": {
                "total": total,
                "pending": open_runs.get(Status.PENDING, 0),
                "running": open_runs.get(Status.STREAMING, 0),
                "stalePending": self._stale_pending(tx, caller),
                **{name: int(sums[name]) for name in ("success", "failed", "cancelled", "interrupted", "recovered")},
                "successRate": success_rate(sums["success"], sums["failed"]),
            },
            "by": {name: _group_objects(name, found) for name, found in groups.items()},
            "starts": {
                "accepted": total,
                "deferred": int(sums["deferred"]),
                "suppressed": tallies.get(StartTally.SUPPRESSED, 0),
                "refused": tallies.get(StartTally.REFUSED, 0),
            },
            "oldestPendingSeconds": waiting.oldest_wait_seconds,
            "models": {
                "calls": int(sums["model_calls"]),
                "tokens": {name: int(sums[column]) for name, column in _TOKEN_CLASSES.items()},
                "costUsd": round(float(sums["cost_usd"]), 6),
                "costUnknownRuns": int(sums["cost_unknown"]),
                "averageDurationMs": duration_ms,
                "averageTtftMs": ttft_ms,
            },
            "tools": _tools(windows.sum_tools(tx, window)),
            "sandboxes": {"seconds": round(seconds + gone["sandbox_seconds"], 3), "active": active},
            "durationsMs": _durations(tx, window, {name: int(sums[name]) for name in facts.DURATIONS}),
            "series": _series(tx, window, bucket_seconds),
        }

    def _stale_pending(self, tx: Transaction, caller: Caller) -> int:
        slots, busy = self._slots(tx)
        if busy >= slots:
            return 0
        return queue.count_waiting_since(tx, tx.now - STALE_PENDING_SECONDS, _visible(caller, runs))

    def _slots(self, tx: Transaction) -> tuple[int, int]:
        found = queue.workers_now(tx, self._rules.alive_within_seconds)
        return sum(worker.slots for worker in found), sum(worker.busy for worker in found)

    def pressure(self, caller: Caller) -> Object:
        """Slots by worker, the queue by repo and priority, the oldest and the estimated wait, limits left."""
        caller.require(Scope.READ)
        left = self._limits.left(caller)
        with self._database.read() as tx:
            found = queue.workers_now(tx, self._rules.alive_within_seconds)
            waiting = queue.waiting(tx, _visible(caller, runs))
            everybody = waiting if caller.repo_ids is None else queue.waiting(tx, [])
            average_ms = facts.average_attempt_ms(tx, ESTIMATE_FROM_RUNS)
            slots, busy = sum(each.slots for each in found), sum(each.busy for each in found)
            free = sum(each.free for each in found)
            return {
                "slots": {"total": slots, "busy": busy, "free": free},
                "workers": [
                    {
                        "id": each.id,
                        "host": each.host,
                        "version": each.version,
                        "harnesses": list(each.harnesses),
                        "labels": list(each.labels),
                        "weaknesses": list(each.weaknesses),
                        "draining": each.draining,
                        "slots": each.slots,
                        "busy": each.busy,
                        "free": each.free,
                        "startedAt": format_time(each.started_at),
                        "lastSeenAt": format_time(each.beat_at),
                    }
                    for each in found
                ],
                "queue": {
                    "depth": waiting.depth,
                    "oldestWaitSeconds": waiting.oldest_wait_seconds,
                    "estimatedWaitSeconds": estimate_wait(everybody.depth, slots, slots - free, average_ms),
                    "byRepo": [
                        {"repoId": repo_id, "fullName": name, "depth": depth, "oldestWaitSeconds": oldest}
                        for repo_id, name, depth, oldest in queue.waiting_by_repo(tx, _visible(caller, runs))
                    ],
                    "byPriority": [
                        {"priority": priority, "depth": depth}
                        for priority, depth in queue.waiting_by_priority(tx, _visible(caller, runs))
                    ],
                    "byNeeds": [
                        {
                            "needs": list(needs),
                            "depth": depth,
                            "slots": sum(each.slots for each in found if each.can_take(needs)),
                            "free": sum(each.free for each in found if each.can_take(needs)),
                        }
                        for needs, depth in seats.waiting_by_needs(tx, _visible(caller, runs))
                    ],
                },
                "limits": {
                    **left,
                    "concurrency": {"repo": self._rules.repo_concurrency, "key": self._rules.key_concurrency},
                    "queue": {"limit": self._queue_limit, "left": max(self._queue_limit - everybody.depth, 0)},
                },
            }

    def calls(self, caller: Caller, filter: CallFilter) -> Page[StoredCall]:
        """Model calls of all runs; of the last 24 hours, unless the filter has a window or a run. Raises BadRequest."""
        caller.require(Scope.READ)
        with self._database.read() as tx:
            if filter.run is None or filter.since is not None or filter.until is not None:
                until = tx.now if filter.until is None else filter.until
                since = until - DEFAULT_WINDOW_SECONDS if filter.since is None else filter.since
                _require_window(since, until)
                filter = replace(filter, since=since, until=until)
            return find_calls(tx, caller, filter)

    def count_runs(self, caller: Caller, filter: RunFilter) -> dict[str, int]:
        """How many runs of each status the filter lets through, but for its own status; COUNTED_RUNS at most."""
        caller.require(Scope.READ)
        conditions = replace(filter, status=None, cursor=None).conditions(caller)
        with self._database.read() as tx:
            return {
                str(status): queue.count_up_to(tx, COUNTED_RUNS, [runs.c.status == status, *conditions])
                for status in Status
            }

    def tools(self, caller: Caller, run_id: str, after: int = 0, limit: int = 200) -> ToolPage:
        """A run's tool calls with their results, in order. Raises NotFound, BadRequest."""
        caller.require(Scope.READ)
        limit = clamp_limit(limit, MAX_EVENTS)
        with self._database.read() as tx:
            return read_tool_uses(tx, visible_run(tx, caller, run_id).id, after, limit)


def _require_window(since: float, until: float) -> None:
    if not since < until:
        raise BadRequest(f"from {format_time(since)} must be before to {format_time(until)}.")
    if until - since > LARGEST_WINDOW_SECONDS:
        days = LARGEST_WINDOW_SECONDS // 86400
        raise BadRequest(f"from and to lie {(until - since) / 86400:.0f} days apart; at most {days} days are possible.")


def _visible(caller: Caller, table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [] if caller.repo_ids is None else [table.c.repo_id.in_(sorted(caller.repo_ids))]


def _group_objects(group: str, found: Sequence[Mapping[str, Any]]) -> list[Object]:
    told = []
    for sums in found:
        names = {"name": sums["full_name"], "repoId": sums["name"]} if group == "repo" else {"name": sums["name"]}
        told.append({**names, **sums_object(sums)})
    return told


def _durations(tx: Transaction, window: Window, counts: Mapping[str, int]) -> Object:
    found = windows.percentiles(tx, window, counts, (0.5, 0.95))
    return {name: {"count": counts[name], "p50": half, "p95": most} for name, (half, most) in found.items()}


def _tools(found: Sequence[tuple[str, int, int]]) -> Object:
    calls, errors = sum(each[1] for each in found), sum(each[2] for each in found)
    by_tool = [{"name": n, "calls": c, "errors": e, "errorRate": _rate(e, c)} for n, c, e in found[:100]]
    return {"calls": calls, "errors": errors, "errorRate": _rate(errors, calls), "byTool": by_tool}


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _series(tx: Transaction, window: Window, bucket_seconds: int) -> list[Object]:
    """Every bucket of the window, empty ones too, on round times (UTC)."""
    first = window.since - window.since % bucket_seconds
    found = windows.sum_by_time(tx, window, first, bucket_seconds)
    return [
        {"start": format_time(first + number * bucket_seconds), **sums_object(found.get(number, empty_sums()))}
        for number in range(math.ceil((window.until - first) / bucket_seconds))
    ]
