"""`/schedules`: runs that are asked for again at every tick of a cron line."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, CURSOR, DEFAULT_LIMIT, IDEMPOTENCY_KEY, LIMIT, read_id
from mogplex.domain.access import Scope
from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.run_view import run_object
from mogplex.domain.schedule import Schedule
from mogplex.domain.schedule_view import schedule_object, tick_object


def create(call: Call) -> ASGIApp:
    body = call.json_object()
    repo_id = body.pop("repoId", None)
    if not isinstance(repo_id, str):
        raise BadRequest("Invalid request: repoId is required", [Detail("repoId", "is required")])
    schedule = call.services.schedules.create(call.caller, repo_id, body)
    return succeed(_answer(call, schedule), 201, {"Location": f"{BASE}/schedules/{schedule.id}"})


def list_schedules(call: Call) -> ASGIApp:
    page = call.services.schedules.list(
        call.caller, call.query.get("repo"), call.query.get("limit", DEFAULT_LIMIT), call.query.get("cursor")
    )
    return succeed({"schedules": [schedule_object(each) for each in page.items], "nextCursor": page.next_cursor})


def get(call: Call) -> ASGIApp:
    return succeed(_answer(call, call.services.schedules.get(call.caller, _id(call))))


def update(call: Call) -> ASGIApp:
    return succeed(_answer(call, call.services.schedules.update(call.caller, _id(call), call.json_object())))


def remove(call: Call) -> ASGIApp:
    call.services.schedules.remove(call.caller, _id(call))
    return succeed({"id": _id(call), "removed": True})


def pause(call: Call) -> ASGIApp:
    return succeed(_answer(call, call.services.schedules.pause(call.caller, _id(call))))


def resume(call: Call) -> ASGIApp:
    return succeed(_answer(call, call.services.schedules.resume(call.caller, _id(call))))


def trigger(call: Call) -> ASGIApp:
    started = call.services.schedules.trigger(call.caller, _id(call), call.header(IDEMPOTENCY_KEY))
    run = started.run
    data = {**run_object(run, call.services.runs.queue_place(run)), "replayed": started.replayed}
    return succeed(data, 202, {"Location": f"{BASE}/runs/{run.id}"})


def list_ticks(call: Call) -> ASGIApp:
    ticks = call.services.schedules.ticks(call.caller, _id(call), call.query.get("limit", DEFAULT_LIMIT))
    return succeed({"ticks": [tick_object(tick) for tick in ticks]})


def _id(call: Call) -> str:
    return read_id(call.path["schedule_id"], "schedule")


def _answer(call: Call, schedule: Schedule) -> dict[str, Any]:
    return {"schedule": schedule_object(schedule, call.services.schedules.upcoming(schedule))}


_ALL = f"{BASE}/schedules"
_ONE = f"{_ALL}/{{schedule_id}}"
_ID = Parameter("scheduleId", "The schedule's id.", where="path", required=True)
_IT = (Success(200, "The schedule.", "ScheduleAnswer"),)

ROUTES = (
    Route(
        "GET",
        _ALL,
        "listSchedules",
        "List schedules, newest first",
        Scope.ADMIN,
        list_schedules,
        (Success(200, "A page of schedules.", "SchedulePage"),),
        parameters=(Parameter("repo", "Only of this repo: its id, or owner/name."), LIMIT, CURSOR),
        refusals=(404, 409),
    ),
    Route(
        "POST",
        _ALL,
        "createSchedule",
        "Make a schedule: a run at every tick of a cron line",
        Scope.ADMIN,
        create,
        (Success(201, "The schedule.", "ScheduleAnswer"),),
        body="ScheduleRequest",
        refusals=(404, 409),
    ),
    Route("GET", _ONE, "getSchedule", "Get a schedule", Scope.ADMIN, get, _IT, parameters=(_ID,), refusals=(404,)),
    Route(
        "PATCH",
        _ONE,
        "updateSchedule",
        "Change a schedule",
        Scope.ADMIN,
        update,
        _IT,
        parameters=(_ID,),
        body="ScheduleChange",
        refusals=(404,),
    ),
    Route(
        "DELETE",
        _ONE,
        "removeSchedule",
        "Remove a schedule; its runs stay",
        Scope.ADMIN,
        remove,
        (Success(200, "Removed.", "RemovedSchedule"),),
        parameters=(_ID,),
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_ONE}/pause",
        "pauseSchedule",
        "Let no tick come until it is resumed",
        Scope.ADMIN,
        pause,
        _IT,
        parameters=(_ID,),
        body_optional=True,
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_ONE}/resume",
        "resumeSchedule",
        "Let ticks come again",
        Scope.ADMIN,
        resume,
        _IT,
        parameters=(_ID,),
        body_optional=True,
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_ONE}/trigger",
        "triggerSchedule",
        "Start the schedule's run now",
        Scope.ADMIN,
        trigger,
        (Success(202, "The run.", "StartedRun"),),
        parameters=(_ID, Parameter(IDEMPOTENCY_KEY, "The same key starts one run.", where="header")),
        body_optional=True,
        refusals=(404, 409),
    ),
    Route(
        "GET",
        f"{_ONE}/ticks",
        "listTicks",
        "List what became of a schedule's ticks, newest first",
        Scope.ADMIN,
        list_ticks,
        (Success(200, "The ticks.", "TickList"),),
        parameters=(_ID, LIMIT),
        refusals=(404,),
    ),
)
