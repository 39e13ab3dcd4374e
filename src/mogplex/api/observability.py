"""`/observability` and a run's tool calls: statistics of a window, the pressure now."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, RUN_ID, read_id, read_time
from mogplex.domain.access import Scope
from mogplex.domain.view import tool_object

DEFAULT_TOOLS = 200


def stats(call: Call) -> ASGIApp:
    since, until = (read_time(name, call.query[name]) if name in call.query else None for name in ("from", "to"))
    return succeed(call.services.report.stats(call.caller, since, until))


def pressure(call: Call) -> ASGIApp:
    return succeed(call.services.report.pressure(call.caller))


def tools(call: Call) -> ASGIApp:
    run_id = read_id(call.path["run_id"], "run")
    after, limit = call.query.get("after", 0), call.query.get("limit", DEFAULT_TOOLS)
    page = call.services.report.tools(call.caller, run_id, after, limit)
    uses = [tool_object(use.call, use.result) for use in page.uses]
    return succeed({"tools": uses, "nextAfter": page.next_after, "hasMore": page.has_more})


_MOMENT = {"type": "string", "format": "date-time"}

ROUTES = (
    Route(
        "GET",
        f"{BASE}/observability/stats",
        "getStats",
        "Get statistics of a window of time, of the last 24 hours by default",
        Scope.READ,
        stats,
        (Success(200, "Every number is defined in docs/observability.md.", "Stats"),),
        parameters=(
            Parameter("from", "Runs made at or after this time, ISO-8601.", _MOMENT),
            Parameter("to", "Runs made before this time, ISO-8601; now by default.", _MOMENT),
        ),
    ),
    Route(
        "GET",
        f"{BASE}/observability/pressure",
        "getPressure",
        "Get what is busy, what waits and how long",
        Scope.READ,
        pressure,
        (Success(200, "As it is now.", "Pressure"),),
    ),
    Route(
        "GET",
        f"{BASE}/runs/{{run_id}}/tools",
        "listTools",
        "List a run's tool calls with their results",
        Scope.READ,
        tools,
        (Success(200, "In the order of the calls.", "ToolPage"),),
        parameters=(
            RUN_ID,
            Parameter(
                "after",
                "Only calls with a `seq` above this one.",
                {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "default": 0},
            ),
            Parameter(
                "limit",
                "Calls in a page.",
                {"type": "integer", "minimum": 1, "maximum": 1000, "default": DEFAULT_TOOLS},
            ),
        ),
        refusals=(404,),
    ),
)
