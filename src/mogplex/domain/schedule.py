"""A schedule: a run that is asked for again at every tick of a cron line, and what is remembered of its ticks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Overlap(StrEnum):
    """What happens at a tick while the schedule's last run has not ended."""

    SKIP = "skip"  # this tick starts nothing
    QUEUE = "queue"  # this tick waits for the end; several that wait become one
    CANCEL_OLDER = "cancel_older"  # the older run is cancelled


class TickResult(StrEnum):
    """What became of a tick."""

    STARTED = "started"
    SKIPPED = "skipped"  # the last run had not ended
    MISSED = "missed"  # nobody was there to start it in time
    REFUSED = "refused"  # the run could not be started; the note says why


class AlarmKind(StrEnum):
    """Why a schedule wants to be looked at."""

    MISSED = "missed"
    OVERLAPPED = "overlapped"
    FAILING = "failing"  # so many runs failed in a row
    UNCHANGED = "unchanged"  # so many runs in a row found nothing to change
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Alarm:
    """`since` is in seconds since 1970; it stays while the kind stays."""

    kind: AlarmKind
    message: str
    since: float

    def as_wire(self) -> dict[str, Any]:
        return {"kind": self.kind, "message": self.message, "since": self.since}

    @staticmethod
    def of(wire: Mapping[str, Any] | None) -> Alarm | None:
        return Alarm(AlarmKind(wire["kind"]), wire["message"], wire["since"]) if wire else None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times are seconds since 1970, UTC. `request` is the body of a start without its repo."""

    id: str
    name: str
    repo_id: str
    cron: str
    time_zone: str
    request: Mapping[str, Any]
    owner: str
    api_key_id: str
    created_at: float
    updated_at: float
    overlap: Overlap = Overlap.SKIP
    catch_up: bool = False
    alarm_after: int = 3
    paused_at: float | None = None
    next_at: float | None = None  # None while paused, and for a cron line that never comes again
    last_tick_at: float | None = None
    last_run_id: str | None = None
    settled_run_id: str | None = None  # the last run whose ending was counted
    failures: int = 0  # in a row
    unchanged: int = 0  # in a row
    missed: int = 0  # ever
    alarm: Alarm | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick that came: when it was due, when it was dealt with, and how."""

    due_at: float
    at: float
    result: TickResult
    run_id: str | None = None
    note: str = ""
