"""How schedules look to callers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mogplex.domain.schedule import Schedule, Tick
from mogplex.domain.view import format_time


def schedule_object(schedule: Schedule, next_ticks: Sequence[float] = ()) -> dict[str, Any]:
    """`next_ticks` are the ticks to come, in seconds since 1970."""
    alarm = schedule.alarm
    return {
        "id": schedule.id,
        "name": schedule.name,
        "repoId": schedule.repo_id,
        "cron": schedule.cron,
        "timeZone": schedule.time_zone,
        "overlap": schedule.overlap,
        "catchUp": schedule.catch_up,
        "alarmAfter": schedule.alarm_after,
        "run": dict(schedule.request),
        "owner": schedule.owner,
        "paused": schedule.paused_at is not None,
        "pausedAt": format_time(schedule.paused_at),
        "nextTickAt": format_time(schedule.next_at),
        "nextTicks": [format_time(tick) for tick in next_ticks],
        "lastTickAt": format_time(schedule.last_tick_at),
        "lastRunId": schedule.last_run_id,
        "failuresInRow": schedule.failures,
        "unchangedInRow": schedule.unchanged,
        "missedTicks": schedule.missed,
        "alarm": None
        if alarm is None
        else {"kind": alarm.kind, "message": alarm.message, "since": format_time(alarm.since)},
        "createdAt": format_time(schedule.created_at),
        "updatedAt": format_time(schedule.updated_at),
    }


def tick_object(tick: Tick) -> dict[str, Any]:
    return {
        "dueAt": format_time(tick.due_at),
        "at": format_time(tick.at),
        "result": tick.result,
        "runId": tick.run_id,
        "note": tick.note,
    }
