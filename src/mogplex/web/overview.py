"""The first page: how runs go, and what is busy now."""

from __future__ import annotations

import time
from typing import Any

from starlette.responses import Response

from mogplex.domain.run import Run, Status
from mogplex.domain.schedule import Schedule
from mogplex.service.run_filter import RunFilter
from mogplex.web.charts import draw_columns
from mogplex.web.page import Page
from mogplex.web.visit import Visit
from mogplex.web.workers import gather_weaknesses

WINDOWS = {"24h": ("24 hours", 86400), "7d": ("7 days", 7 * 86400), "30d": ("30 days", 30 * 86400)}
DURATION_NAMES = {
    "queued": "Queue",
    "preparing": "Preparation",
    "running": "Agent",
    "checking": "Checks",
    "total": "Whole run",
}
SHOWN_FAILURES = 5
SHOWN_ROWS = 8


def show(visit: Visit) -> Response:
    chosen = visit.query("window") or "24h"
    chosen = chosen if chosen in WINDOWS else "24h"
    until = time.time()
    stats = visit.rooms.report.stats(visit.caller, until - WINDOWS[chosen][1], until)
    pressure = visit.rooms.report.pressure(visit.caller)
    return visit.show(
        "overview.html",
        stats=stats,
        window=chosen,
        windows=WINDOWS,
        runs_chart=draw_columns(stats["series"], {"success": "success", "failed": "failed", "cancelled": "cancelled"}),
        cost_chart=draw_columns(stats["series"], {"costUsd": "cost"}),
        pressure=pressure,
        weaknesses=gather_weaknesses(visit, pressure),
        durations=[(label, stats["durationsMs"][name]) for name, label in DURATION_NAMES.items()],
        groups=_groups(stats),
        failures=_failures(visit),
        alarms=_alarms(visit),
    )


def show_pressure(visit: Visit) -> Response:
    return visit.show("pressure.html", pressure=visit.rooms.report.pressure(visit.caller))


def _groups(stats: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    named = {"harness": "Harness", "model": "Model", "repo": "Repo", "outcome": "Outcome"}
    return [(label, stats["by"][name][:SHOWN_ROWS]) for name, label in named.items() if stats["by"][name]]


def _failures(visit: Visit) -> list[Run]:
    return visit.rooms.runs.list(visit.caller, RunFilter(status=Status.FAILED, limit=SHOWN_FAILURES)).items


def _alarms(visit: Visit) -> list[Schedule]:
    """Schedules that want to be looked at; only who may see schedules sees them."""
    if not visit.may("admin"):
        return []
    return [each for each in visit.rooms.schedules.list(visit.caller, limit=200).items if each.alarm is not None]


PAGES = (
    Page("GET", "/", show),
    Page("GET", "/pressure", show_pressure),
)
