"""`/hooks/deliveries`: what forges asked for, and what was made of it."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, CURSOR, DEFAULT_LIMIT, LIMIT
from mogplex.domain.access import Scope
from mogplex.domain.hook_delivery import HookStatus


def list_deliveries(call: Call) -> ASGIApp:
    query = call.query
    page = call.services.hooks.list(
        call.caller,
        repo=query.get("repo"),
        status=query.get("status"),
        limit=query.get("limit", DEFAULT_LIMIT),
        cursor=query.get("cursor"),
    )
    return succeed({"deliveries": [each.as_wire() for each in page.items], "nextCursor": page.next_cursor})


ROUTES = (
    Route(
        "GET",
        f"{BASE}/hooks/deliveries",
        "listHookDeliveries",
        "List the messages of forges that asked for a run, and what was made of each",
        Scope.ADMIN,
        list_deliveries,
        (Success(200, "A page of messages, the newest first.", "HookDeliveryPage"),),
        parameters=(
            Parameter("repo", "Only of this repo: its id or full name."),
            Parameter("status", "Only those that stand so.", {"type": "string", "enum": list(HookStatus)}),
            LIMIT,
            CURSOR,
        ),
        refusals=(404,),
    ),
)
