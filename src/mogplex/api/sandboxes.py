"""`/sandboxes`: one record per attempt, its log, and stopping it."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, CURSOR, DEFAULT_LIMIT, LIMIT, read_id
from mogplex.domain.access import Scope
from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.sandbox import SandboxStatus
from mogplex.domain.sandbox_view import sandbox_object
from mogplex.domain.view import event_object


def list_sandboxes(call: Call) -> ASGIApp:
    query = call.query
    status = SandboxStatus(query["status"]) if "status" in query else None
    page = call.services.sandboxes.list(
        call.caller, query.get("repo_id"), status, query.get("limit", DEFAULT_LIMIT), query.get("cursor")
    )
    return succeed({"sandboxes": [sandbox_object(each) for each in page.items], "nextCursor": page.next_cursor})


def logs(call: Call) -> ASGIApp:
    log = call.services.sandboxes.log(call.caller, read_id(call.path["sandbox_id"], "sandbox"))
    return succeed(
        {
            "sandbox": sandbox_object(log.record),
            "log": log.text,
            "lifecycle_events": [event_object(event) for event in log.events],
        }
    )


def stop(call: Call) -> ASGIApp:
    for name in call.json_object(optional=True):
        raise BadRequest(f"{name[:100]} is not a known field: this takes none.", [Detail(name[:100], "is not known")])
    record = call.services.sandboxes.stop(call.caller, read_id(call.path["sandbox_id"], "sandbox"))
    return succeed({"sandbox": sandbox_object(record)})


_SANDBOX_ID = Parameter("sandboxId", "The record's id (`sandboxRecordId` of a run).", where="path", required=True)
_FILTERS = (
    Parameter("repo_id", "Only of this repo: an id or owner/name."),
    Parameter("status", "Only with this status.", {"type": "string", "enum": list(SandboxStatus)}),
    LIMIT,
    CURSOR,
)

ROUTES = (
    Route(
        "GET",
        f"{BASE}/sandboxes",
        "listSandboxes",
        "List sandboxes, the newest first",
        Scope.READ,
        list_sandboxes,
        (Success(200, "A page of sandbox records.", "SandboxPage"),),
        parameters=_FILTERS,
    ),
    Route(
        "GET",
        f"{BASE}/sandboxes/{{sandbox_id}}/logs",
        "getSandboxLogs",
        "Get what a sandbox printed, and its run's events that concern it",
        Scope.READ,
        logs,
        (Success(200, "The log.", "SandboxLog"),),
        parameters=(_SANDBOX_ID,),
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{BASE}/sandboxes/{{sandbox_id}}/stop",
        "stopSandbox",
        "End a sandbox; its run fails as sandbox_failed",
        Scope.WRITE,
        stop,
        (Success(200, "The record as it is now.", "SandboxAnswer"),),
        parameters=(_SANDBOX_ID,),
        refusals=(404, 409),
    ),
)
