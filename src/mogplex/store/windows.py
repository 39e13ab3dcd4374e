"""What is asked of a window of time: its whole days and hours are read from sums, its edges run by run.

The numbers are those that all rows of the window would give. Only percentiles of many runs are told by class.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mogplex.store import facts, rollups
from mogplex.store.database import Transaction
from mogplex.store.report_tables import run_facts, run_tools
from mogplex.store.rollup_tables import fact_days, fact_hours, tool_days

DIRECT_SECONDS = 2 * rollups.DAY_SECONDS  # a window up to so long is read run by run
EXACT_RUNS = 20_000  # percentiles of more runs come from classes
Edges = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` up to, not including, `until` (seconds since 1970); of `repo_ids` only, if given."""

    since: float
    until: float
    repo_ids: frozenset[str] | None = None

    def split(self, unit_seconds: int) -> tuple[rollups.Span | None, Edges]:
        """The whole units of the window, and what is left of it at both ends."""
        first, last = math.ceil(self.since / unit_seconds), math.floor(self.until / unit_seconds)
        if self.until - self.since <= DIRECT_SECONDS or first >= last:
            return None, [(self.since, self.until)]
        ends = [(self.since, float(first * unit_seconds)), (float(last * unit_seconds), self.until)]
        return (first, last), [end for end in ends if end[0] < end[1]]

    def visible(self, table: sa.Table) -> list[sa.ColumnElement[bool]]:
        return [] if self.repo_ids is None else [table.c.repo_id.in_(sorted(self.repo_ids))]

    def rows(self, edge: tuple[float, float] | None = None) -> list[sa.ColumnElement[bool]]:
        """The conditions on `run_facts`."""
        return [*facts.in_range(*(edge or (self.since, self.until))), *self.visible(run_facts)]


def sum_up(tx: Transaction, window: Window) -> tuple[dict[str, float], dict[str, list[dict[str, Any]]]]:
    """See `facts.gather`."""
    days, edges = window.split(rollups.DAY_SECONDS)
    rows = [] if days is None else rollups.day_sums(tx, days, window.visible(fact_days))
    for edge in edges:
        rows += facts.fine_sums(tx, window.rows(edge))
    return facts.gather(rows)


def sum_by_time(tx: Transaction, window: Window, since: float, bucket_seconds: int) -> dict[int, dict[str, Any]]:
    """Sums by bucket: `0` begins at `since`. Empty buckets are left out."""
    hours, edges = window.split(rollups.HOUR_SECONDS)
    if bucket_seconds % rollups.HOUR_SECONDS:
        hours, edges = None, [(window.since, window.until)]
    found: dict[int, dict[str, Any]] = {}
    if hours is not None:
        found = rollups.hour_sums(tx, hours, int(since), bucket_seconds, window.visible(fact_hours))
    for edge in edges:
        for bucket, sums in facts.sum_by_time(tx, since, bucket_seconds, window.rows(edge)).items():
            into = found.setdefault(bucket, dict.fromkeys(sums, 0))
            for name, value in sums.items():
                into[name] = (into[name] or 0) + (value or 0)
    return found


def sum_tools(tx: Transaction, window: Window) -> list[tuple[str, int, int]]:
    """(tool, calls, errors), the most called first."""
    days, edges = window.split(rollups.DAY_SECONDS)
    found = {} if days is None else rollups.tool_sums(tx, days, window.visible(tool_days))
    for edge in edges:
        for name, calls, errors in facts.sum_tools(tx, *edge, window.visible(run_tools)):
            before = found.get(name, (0, 0))
            found[name] = (before[0] + calls, before[1] + errors)
    named = ((name, calls, errors) for name, (calls, errors) in found.items())
    return sorted(named, key=lambda each: (-each[1], each[0]))


def percentiles(
    tx: Transaction, window: Window, counts: Mapping[str, int], shares: Iterable[float]
) -> dict[str, list[int | None]]:
    """Duration -> its nearest-rank percentiles in ms, of which `counts` are known; None of none.

    Of more than EXACT_RUNS, unless of some repos only, the longest duration of the class it is in: at most 1/32 more.
    """
    wanted = list(shares)
    days, edges = window.split(rollups.DAY_SECONDS)
    if days is None or window.repo_ids is not None or max(counts.values()) <= EXACT_RUNS:
        each_run = facts.sorted_durations(tx, window.rows())
        return {name: [_nearest(each_run[name], share) for share in wanted] for name in counts}
    found = rollups.span_counts(tx, days)
    for edge in edges:
        for name in counts:
            for each, count in facts.count_classes(tx, name, window.rows(edge)).items():
                found[name][each] = found[name].get(each, 0) + count
    return {name: [_rank(found[name], share) for share in wanted] for name in counts}


def _nearest(durations: Sequence[int], share: float) -> int | None:
    return durations[max(math.ceil(share * len(durations)), 1) - 1] if durations else None


def _rank(classes: Mapping[int, int], share: float) -> int | None:
    left = max(math.ceil(share * sum(classes.values())), 1)
    for each in sorted(classes):
        left -= classes[each]
        if left <= 0:
            return rollups.largest_of(each)
    return None
