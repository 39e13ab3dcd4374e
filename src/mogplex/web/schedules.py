"""Schedules: what fires when, which ones want to be looked at; make, change, pause, trigger and remove them."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.responses import Response

from mogplex.domain.access import Scope
from mogplex.domain.errors import MogplexError
from mogplex.domain.schedule import Overlap, Schedule
from mogplex.web.answers import redirect
from mogplex.web.page import Page
from mogplex.web.start import budget_of
from mogplex.web.visit import Form, Visit

SHOWN_TICKS = 30


def show(visit: Visit) -> Response:
    page = visit.rooms.schedules.list(visit.caller, limit=100, cursor=visit.query("cursor"))
    return visit.show("schedules.html", schedules=page.items, cursor=page.next_cursor, repo_names=_repo_names(visit))


def show_new(visit: Visit) -> Response:
    return _form(visit, None, Form(), None, 200)


def show_one(visit: Visit) -> Response:
    schedule = _schedule(visit)
    return _form(visit, schedule, Form(_values(schedule)), None, 200)


def create(visit: Visit) -> Response:
    try:
        body = _body(visit.form, None)
        schedule = visit.rooms.schedules.create(visit.caller, visit.form.get("repo") or "", body)
    except MogplexError as fault:
        return _form(visit, None, visit.form, fault, 400)
    return redirect(f"/schedules/{schedule.id}")


def update(visit: Visit) -> Response:
    schedule = _schedule(visit)
    try:
        visit.rooms.schedules.update(visit.caller, schedule.id, _body(visit.form, schedule))
    except MogplexError as fault:
        return _form(visit, schedule, visit.form, fault, 400)
    return redirect("/schedules")


def pause(visit: Visit) -> Response:
    visit.rooms.schedules.pause(visit.caller, visit.path("schedule_id"))
    return redirect("/schedules")


def resume(visit: Visit) -> Response:
    visit.rooms.schedules.resume(visit.caller, visit.path("schedule_id"))
    return redirect("/schedules")


def trigger(visit: Visit) -> Response:
    """The form bears the key, so that a second press finds the run that the first has started."""
    started = visit.rooms.schedules.trigger(visit.caller, visit.path("schedule_id"), visit.form.get("idempotencyKey"))
    return redirect(f"/runs/{started.run.id}")


def remove(visit: Visit) -> Response:
    visit.rooms.schedules.remove(visit.caller, visit.path("schedule_id"))
    return redirect("/schedules")


def _schedule(visit: Visit) -> Schedule:
    return visit.rooms.schedules.get(visit.caller, visit.path("schedule_id"))


def _repo_names(visit: Visit) -> dict[str, str]:
    return {repo.id: repo.full_name for repo in visit.rooms.repos.list(visit.caller, limit=200).items}


def _form(visit: Visit, schedule: Schedule | None, form: Form, fault: MogplexError | None, status: int) -> Response:
    ticks = [] if schedule is None else visit.rooms.schedules.ticks(visit.caller, schedule.id, SHOWN_TICKS)
    return visit.show(
        "schedule.html",
        status,
        schedule=schedule,
        form=form,
        fault=fault,
        ticks=ticks,
        upcoming=[] if schedule is None else visit.rooms.schedules.upcoming(schedule),
        repo_names=_repo_names(visit),
        harnesses=visit.rooms.harnesses(),
        overlaps=list(Overlap),
        trigger_key=f"page-{secrets.token_hex(12)}",
    )


def _values(schedule: Schedule) -> dict[str, list[str]]:
    """What the form shows of a schedule and of the request behind it."""
    request = schedule.request
    budget = {name: f"{value:g}" for name, value in (request.get("budget") or {}).items() if value is not None}
    shown = {
        "name": schedule.name,
        "cron": schedule.cron,
        "timeZone": schedule.time_zone,
        "overlap": str(schedule.overlap),
        "catchUp": "1" if schedule.catch_up else "",
        "alarmAfter": str(schedule.alarm_after),
        "prompt": str(request.get("prompt") or ""),
        "harness": str(request.get("harness") or ""),
        "checks": "\n".join(request.get("checks") or ()),
        "createBranch": "1" if request.get("createBranch") else "",
        **budget,
    }
    return {name: [value] for name, value in shown.items()}


def _body(form: Form, old: Schedule | None) -> dict[str, Any]:
    """The body of a schedule. What the form does not show of an old request stays as it is. Raises BadRequest."""
    run: dict[str, Any] = {
        **(old.request if old else {}),
        "prompt": form.get("prompt"),
        "harness": form.get("harness"),
        "checks": form.lines("checks") or None,
        "createBranch": bool(form.get("createBranch")) or None,
        "budget": budget_of(form),
    }
    alarm_after = form.get("alarmAfter")
    body = {
        "name": form.get("name"),
        "cron": form.get("cron"),
        "timeZone": form.get("timeZone") or "UTC",
        "overlap": form.get("overlap"),
        "catchUp": bool(form.get("catchUp")),
        "alarmAfter": int(alarm_after) if alarm_after and alarm_after.isdecimal() else alarm_after,
        "run": {name: value for name, value in run.items() if value is not None},
    }
    return {name: value for name, value in body.items() if value is not None}


_ONE = "/schedules/{schedule_id}"
PAGES = (
    Page("GET", "/schedules", show, needs=Scope.ADMIN),
    Page("GET", "/schedules/new", show_new, needs=Scope.ADMIN),
    Page("POST", "/schedules/new", create, needs=Scope.ADMIN),
    Page("GET", _ONE, show_one, needs=Scope.ADMIN),
    Page("POST", _ONE, update, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/pause", pause, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/resume", resume, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/trigger", trigger, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/remove", remove, needs=Scope.ADMIN),
)
