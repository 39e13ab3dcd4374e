"""`/me`: the key that asks, and what it has left."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE
from mogplex.domain.view import key_object


def show(call: Call) -> ASGIApp:
    key = call.services.keys.get(call.caller.key_id)
    return succeed({**key_object(key), "limits": call.services.limits.left(call.caller)})


ROUTES = (
    Route(
        "GET",
        f"{BASE}/me",
        "getMe",
        "Show the key that asks: its scopes, its repos, its limits",
        None,
        show,
        (Success(200, "The key.", "Me"),),
    ),
)
