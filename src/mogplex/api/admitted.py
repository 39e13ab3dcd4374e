"""A way for another door through this one's gate: its callers are told apart and counted like any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from mogplex.api.authentication import admit
from mogplex.api.guard import exchange_of
from mogplex.api.services import Services
from mogplex.domain.access import Caller
from mogplex.domain.errors import BadRequest

Answer = Callable[[Caller, AsgiScope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another door that takes POST at `path`. `name` and `summary` are for the OpenAPI document."""

    path: str
    name: str
    summary: str
    answer: Answer


class Admitted:
    """POST only, with any live key, within its limits."""

    def __init__(self, neighbour: Neighbour, services: Services) -> None:
        self._neighbour = neighbour
        self._services = services

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        caller = await to_thread.run_sync(admit, self._services, Headers(scope=scope), exchange, None)
        if scope["method"] != "POST":
            exchange.headers["Allow"] = "POST"
            raise BadRequest(f"{scope['method'][:20]} is not possible here; possible is POST.", http_status=405)
        await self._neighbour.answer(caller, scope, receive, send)
