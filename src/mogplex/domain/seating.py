"""Slots and who waits for one: the rules, why a run still waits, and how long it may take. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_AGING_SECONDS = 60.0
MAX_CONCURRENCY = 100_000


@dataclass(frozen=True, slots=True)
class SeatRules:
    """What decides who goes next. None is no limit.

    `aging_seconds`: a waiting run counts one priority higher for each. `alive_within_seconds`: how long after its last
    sign of life a worker counts as there.
    """

    aging_seconds: float = DEFAULT_AGING_SECONDS
    repo_concurrency: int | None = None  # of repos that say nothing else
    key_concurrency: int | None = None
    alive_within_seconds: float = 20.0

    def repo_limit(self, own: int | None) -> int | None:
        return self.repo_concurrency if own is None else own


class WaitReason(StrEnum):
    """Why a pending run has not begun."""

    NEXT = "next"  # a slot is free: it begins in a moment
    HANDED_OVER = "handed_over"  # a worker has it and is about to begin
    SLOTS_BUSY = "slots_busy"
    BRANCH_BUSY = "branch_busy"  # another run works for the same branch
    REPO_CONCURRENCY = "repo_concurrency"
    KEY_CONCURRENCY = "key_concurrency"
    NO_WORKER = "no_worker"
    NO_WORKER_WITH_LABELS = "no_worker_with_labels"


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """`position` 1 is next; `ahead` runs have their turn before, though those that can't go yet let others pass.

    `detail` says `reason` in a sentence. `estimated_wait_seconds` is None when nothing is known to estimate from.
    """

    position: int
    ahead: int
    reason: WaitReason
    detail: str
    estimated_wait_seconds: float | None


def estimate_wait(ahead: int, slots: int, busy: int, average_ms: float | None) -> float | None:
    """Seconds until a run with `ahead` others before it has a slot. None: nobody would take it, or no run has ended."""
    if slots == 0:
        return None
    behind = ahead - (slots - busy)
    if behind < 0:
        return 0.0
    return None if average_ms is None else round((behind + 1) / slots * average_ms / 1000, 1)
