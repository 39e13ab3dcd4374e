"""`/models` and `/runs/{runId}/calls`: which models runs can reach, and what was asked of them."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, RUN_ID, read_id
from mogplex.domain.access import Scope
from mogplex.domain.model import model_object
from mogplex.domain.model_call import call_object
from mogplex.service.model_calls import MAX_LISTED


def list_models(call: Call) -> ASGIApp:
    return succeed({"models": [model_object(each) for each in call.services.models()]})


def list_calls(call: Call) -> ASGIApp:
    run_id = read_id(call.path["run_id"], "run")
    after, limit = call.query.get("after", 0), call.query.get("limit", MAX_LISTED)
    found = call.services.calls.list(call.caller, run_id, after, limit + 1)
    page = found[:limit]
    more = {"nextAfter": page[-1].seq if page else after, "hasMore": len(found) > limit}
    return succeed({"calls": [call_object(each) for each in page], **more})


_AFTER = Parameter(
    "after",
    "Only calls whose event has a number above this.",
    {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "default": 0},
)
_LIMIT = Parameter(
    "limit", "Calls in a page.", {"type": "integer", "minimum": 1, "maximum": MAX_LISTED, "default": MAX_LISTED}
)

ROUTES = (
    Route(
        "GET",
        f"{BASE}/models",
        "listModels",
        "List models that runs can ask for, with their prices",
        Scope.READ,
        list_models,
        (Success(200, "The models.", "ModelList"),),
    ),
    Route(
        "GET",
        f"{BASE}/runs/{{run_id}}/calls",
        "listCalls",
        "List the model calls of a run, in order",
        Scope.READ,
        list_calls,
        (Success(200, "The calls.", "CallList"),),
        parameters=(RUN_ID, _AFTER, _LIMIT),
        refusals=(404,),
    ),
)
