"""`/observability` and a run's tool calls: statistics of a window, model calls of all runs, the pressure now."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, CURSOR, DEFAULT_LIMIT, LIMIT, RUN_ID, read_id, read_time
from mogplex.domain.access import Scope
from mogplex.domain.model_call import call_object
from mogplex.domain.view import tool_object
from mogplex.service.call_search import CallFilter, CallOrder, CallState

DEFAULT_TOOLS = 200


def stats(call: Call) -> ASGIApp:
    since, until = (read_time(name, call.query[name]) if name in call.query else None for name in ("from", "to"))
    return succeed(call.services.report.stats(call.caller, since, until))


def calls(call: Call) -> ASGIApp:
    query = call.query
    since, until = (read_time(name, query[name]) if name in query else None for name in ("from", "to"))
    page = call.services.report.calls(
        call.caller,
        CallFilter(
            run=query.get("run"),
            model=query.get("model"),
            repo=query.get("repo"),
            status=CallState(query["status"]) if "status" in query else None,
            since=since,
            until=until,
            order=CallOrder(query.get("sort", CallOrder.TIME)),
            limit=query.get("limit", DEFAULT_LIMIT),
            cursor=query.get("cursor"),
        ),
    )
    return succeed({"calls": [call_object(each) for each in page.items], "nextCursor": page.next_cursor})


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
        f"{BASE}/observability/calls",
        "searchCalls",
        "Find model calls of all runs, sorted by time, cost, tokens or duration",
        Scope.READ,
        calls,
        (Success(200, "A page of calls, the greatest first.", "CallPage"),),
        parameters=(
            Parameter("run", "Only of this run."),
            Parameter("model", "Only of this model."),
            Parameter("repo", "Only of this repo: an id or owner/name."),
            Parameter("status", "`ok`: the answer came whole.", {"type": "string", "enum": list(CallState)}),
            Parameter("from", "Calls that ended at or after this time, ISO-8601; 24 hours ago by default.", _MOMENT),
            Parameter("to", "Calls that ended before this time, ISO-8601; now by default.", _MOMENT),
            Parameter("sort", "By what, the greatest first.", {"type": "string", "enum": list(CallOrder)}),
            LIMIT,
            CURSOR,
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
