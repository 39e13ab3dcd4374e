"""What happens when a schedule's tick has come, and what its runs' endings say about it.

Any number of processes may do this at once: the run of a tick has an idempotency key of its own, and only one of them
moves the schedule on to its next tick.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mogplex.domain.errors import BadRequest, Conflict, Forbidden, IdempotencyConflict, NotFound, RateLimited
from mogplex.domain.run import Outcome, Run, Status
from mogplex.domain.schedule import Alarm, AlarmKind, Overlap, Schedule, Tick, TickResult
from mogplex.domain.view import format_time
from mogplex.domain.webhook import Topic
from mogplex.service.cron import due_ticks, next_tick
from mogplex.service.outbox import announce
from mogplex.service.runs import Runs
from mogplex.service.schedules import caller_of, start_run_of
from mogplex.store import runs as run_table
from mogplex.store import schedules as schedule_table
from mogplex.store.database import Database, Transaction
from mogplex.store.schedule_tables import schedules

LATE_SECONDS = 120.0  # a tick that nobody served for so long was missed: the server was away
PAGE = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """How the newest due tick was dealt with; `alarm` None leaves the alarm as it is."""

    result: TickResult
    run_id: str | None = None
    note: str = ""
    alarm: AlarmKind | None = None


class Firing:
    def __init__(self, database: Database, runs: Runs) -> None:
        self._database = database
        self._runs = runs

    def fire_due(self) -> int:
        """Deal with every tick that has come. Returns how many schedules were moved on."""
        with self._database.read() as tx:
            now = tx.now
            due = schedule_table.select_due(tx, now, PAGE)
        return sum(self._fire_safely(schedule, now) for schedule in due)

    def count_endings(self) -> None:
        """Count what the last runs came to, and raise or end the alarms that follow from it."""
        with self._database.read() as tx:
            unsettled = schedule_table.select_unsettled(tx, PAGE)
        for schedule in unsettled:
            with self._database.write() as tx:
                _count_ending(tx, schedule)

    def _fire_safely(self, schedule: Schedule, now: float) -> bool:
        try:
            return self._fire(schedule, now)
        except Exception:  # noqa: BLE001 - one schedule's fault must not hold up the others; it stays due for the next look
            _log.exception("schedule %s (%s): its tick could not be dealt with", schedule.id, schedule.name)
            return False

    def _fire(self, schedule: Schedule, now: float) -> bool:
        assert schedule.next_at is not None
        ticks = due_ticks(schedule.cron, schedule.time_zone, schedule.next_at, now)
        with self._database.read() as tx:
            last = run_table.get(tx, schedule.last_run_id) if schedule.last_run_id else None
        settled = self._settle(schedule, ticks[-1], last, now)
        if settled is None:
            return False
        waited = schedule.overlap is Overlap.QUEUE and last is not None and (last.finished_at or now) >= ticks[0]
        note = "several ticks that waited became one" if waited else "nobody was there to start it"
        result = TickResult.SKIPPED if waited else TickResult.MISSED
        earlier = [Tick(tick, now, result, note=note) for tick in ticks[:-1]]
        newest = Tick(ticks[-1], now, settled.result, settled.run_id, settled.note)
        self._advance(schedule, [*earlier, newest], settled, now)
        return True

    def _settle(self, schedule: Schedule, tick: float, last: Run | None, now: float) -> Settled | None:
        """None: ask again later."""
        if last is not None and not last.status.is_terminal:
            if schedule.overlap is Overlap.QUEUE:
                return None
            if schedule.overlap is Overlap.SKIP:
                return Settled(TickResult.SKIPPED, None, f"{last.id} had not ended", AlarmKind.OVERLAPPED)
            self._runs.cancel(caller_of(schedule), last.id)
        ready_at = max(tick, (last.finished_at or 0.0) if last and schedule.overlap is Overlap.QUEUE else 0.0)
        if now - ready_at > LATE_SECONDS and not schedule.catch_up:
            return Settled(TickResult.MISSED, None, f"noticed {round(now - tick):,} s late", AlarmKind.MISSED)
        try:
            started = start_run_of(self._runs, schedule, _name_of(tick))
        except RateLimited as fault:
            _log.info("schedule %s waits: %s", schedule.id, fault.message)
            return None
        except IdempotencyConflict:
            return None  # another process started this tick just before the schedule was changed; it moves it on
        except (BadRequest, NotFound, Conflict, Forbidden) as fault:
            return Settled(TickResult.REFUSED, None, fault.message, AlarmKind.REFUSED)
        late = f"caught up, {round(now - tick):,} s late" if now - ready_at > LATE_SECONDS else ""
        return Settled(TickResult.STARTED, started.run.id, late)

    def _advance(self, schedule: Schedule, ticks: list[Tick], settled: Settled, now: float) -> None:
        """Move on to the next tick, unless another process did."""
        missed = [tick for tick in ticks if tick.result is TickResult.MISSED]
        kind = settled.alarm or (AlarmKind.MISSED if missed else None)
        values: dict[str, Any] = {
            "next_at": next_tick(schedule.cron, schedule.time_zone, now),
            "last_tick_at": ticks[-1].due_at,
            "missed": schedule.missed + len(missed),
        }
        if settled.run_id is not None:
            values["last_run_id"] = settled.run_id
        alarm = None
        if kind is not None:
            alarm = _alarm(schedule, kind, settled.note or f"{len(missed)} ticks were missed", now)
            values["alarm"] = alarm
        elif schedule.alarm is not None and schedule.alarm.kind in _ENDED_BY_A_START:
            values["alarm"] = None
        with self._database.write() as tx:
            if not schedule_table.update(tx, schedule.id, values, schedules.c.next_at == schedule.next_at):
                return
            schedule_table.append_ticks(tx, schedule.id, ticks)
            _tell(tx, schedule, alarm)


_ENDED_BY_A_START = (AlarmKind.MISSED, AlarmKind.OVERLAPPED, AlarmKind.REFUSED)


def _count_ending(tx: Transaction, schedule: Schedule) -> None:
    """Raise or end the alarms about endings."""
    run = run_table.get(tx, schedule.last_run_id or "")
    if run is None:
        return
    failures, unchanged = schedule.failures, schedule.unchanged
    if run.status is Status.FAILED:
        failures, unchanged = failures + 1, 0
    elif run.status is Status.SUCCESS:
        failures, unchanged = 0, (unchanged + 1 if run.outcome is Outcome.NO_CHANGES else 0)
    alarm = schedule.alarm
    if failures >= schedule.alarm_after:
        alarm = _alarm(schedule, AlarmKind.FAILING, f"{failures} runs failed in a row, last {run.id}", tx.now)
    elif unchanged >= schedule.alarm_after:
        alarm = _alarm(schedule, AlarmKind.UNCHANGED, f"{unchanged} runs in a row changed nothing", tx.now)
    elif alarm is not None and alarm.kind in (AlarmKind.FAILING, AlarmKind.UNCHANGED):
        alarm = None
    values = {"settled_run_id": run.id, "failures": failures, "unchanged": unchanged, "alarm": alarm}
    still = schedules.c.last_run_id == run.id
    before = schedules.c.settled_run_id
    same = before.is_(None) if schedule.settled_run_id is None else before == schedule.settled_run_id
    if schedule_table.update(tx, schedule.id, values, still, same):
        _tell(tx, schedule, alarm)


def _tell(tx: Transaction, schedule: Schedule, alarm: Alarm | None) -> None:
    """Once for each alarm that was not there before."""
    if alarm is None or (schedule.alarm is not None and schedule.alarm.kind is alarm.kind):
        return
    _log.warning("schedule %s (%s): %s: %s", schedule.id, schedule.name, alarm.kind, alarm.message)
    data = {"scheduleId": schedule.id, "kind": alarm.kind, "since": format_time(alarm.since)}
    announce(tx, Topic.SCHEDULE_ALARM, schedule.repo_id, data)


def _alarm(schedule: Schedule, kind: AlarmKind, message: str, now: float) -> Alarm:
    """An alarm that goes on keeps the time it began."""
    since = schedule.alarm.since if schedule.alarm is not None and schedule.alarm.kind is kind else now
    return Alarm(kind, message, since)


def _name_of(tick: float) -> str:
    return datetime.fromtimestamp(tick, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
