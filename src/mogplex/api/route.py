"""A route: what it needs, what it takes, what it answers. One table serves the requests and writes the OpenAPI page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from mogplex.api.authentication import admit
from mogplex.api.body import decode_object, read_body
from mogplex.api.guard import exchange_of
from mogplex.api.query import Parameter, read_query
from mogplex.api.services import Services
from mogplex.api.tails import Tails
from mogplex.domain.access import Caller, Scope
from mogplex.domain.errors import BadRequest, NotFound


@dataclass(frozen=True, slots=True)
class Success:
    """One good answer, for the documentation. `schema` names a component: the shape of `data` in the envelope."""

    status: int
    description: str
    schema: str | None = None
    media_types: tuple[str, ...] = ("application/json",)


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request. `query` holds converted values; `raw_body` may be the fault met while reading it."""

    services: Services
    tails: Tails
    caller: Caller
    headers: Headers
    path: Mapping[str, str]
    query: Mapping[str, Any]
    raw_body: bytes | BadRequest = b""

    def json_object(self, *, optional: bool = False) -> dict[str, Any]:
        """The decoded body. Raises BadRequest."""
        if isinstance(self.raw_body, BadRequest):
            raise self.raw_body
        return decode_object(self.raw_body, optional=optional)

    def header(self, name: str) -> str | None:
        """A header that may be sent once. Raises BadRequest when it is there twice."""
        given = self.headers.getlist(name)
        if len(given) > 1:
            raise BadRequest(f"The header {name} is there {len(given)} times: send it once.")
        if not given:
            return None
        try:
            return given[0].encode("latin-1").decode()
        except UnicodeDecodeError:
            return given[0]  # not UTF-8: then the bytes stand for themselves


Answer = Callable[[Call], ASGIApp]


@dataclass(frozen=True, slots=True)
class Route:
    """`answer` runs in a worker thread and may block; what it returns is sent by the event loop and may not."""

    method: str
    path: str
    name: str  # the operation's id in the OpenAPI document
    summary: str
    needs: Scope | None  # None: any key
    answer: Answer
    successes: tuple[Success, ...]
    parameters: tuple[Parameter, ...] = ()
    body: str | None = None  # the component that describes it
    body_optional: bool = False
    refusals: tuple[int, ...] = field(default=())  # statuses besides those that any route of its kind can give

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PATCH", "PUT")


class Endpoint:
    """All routes of one path. Authentication comes first, so that strangers can't even learn which paths exist."""

    def __init__(self, routes: Sequence[Route], services: Services, tails: Tails) -> None:
        self._routes = {route.method: route for route in routes}
        self._services = services
        self._tails = tails

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route = self._routes.get(method)
        if route is not None and not route.has_body:  # one hop to a thread does it all
            reply = await to_thread.run_sync(self._admit_and_answer, route, scope, None)
        else:
            caller = await to_thread.run_sync(self._admit, route, scope)
            if route is None:
                raise self._refusal(scope)
            raw_body: bytes | BadRequest
            try:
                raw_body = await read_body(Headers(scope=scope), receive)
            except BadRequest as fault:  # told when it is the body's turn
                raw_body = fault
            reply = await to_thread.run_sync(self._answer, route, scope, caller, raw_body)
        await reply(scope, receive, send)

    def _admit(self, route: Route | None, scope: AsgiScope) -> Caller:
        needs = route.needs if route else None
        return admit(self._services, Headers(scope=scope), exchange_of(scope), needs)

    def _admit_and_answer(self, route: Route, scope: AsgiScope, _: None) -> ASGIApp:
        return self._answer(route, scope, self._admit(route, scope), b"")

    def _answer(self, route: Route, scope: AsgiScope, caller: Caller, raw_body: bytes | BadRequest) -> ASGIApp:
        call = Call(
            services=self._services,
            tails=self._tails,
            caller=caller,
            headers=Headers(scope=scope),
            path=scope["path_params"],
            query=read_query(scope["query_string"], route.parameters),
            raw_body=raw_body,
        )
        return route.answer(call)

    def _refusal(self, scope: AsgiScope) -> BadRequest | NotFound:
        if not self._routes:
            path = scope["path"]
            return NotFound(f"There is nothing at {path[:100]!r}. See /docs for what there is.")
        allowed = ", ".join(sorted(self._routes) + (["HEAD"] if "GET" in self._routes else []))
        exchange_of(scope).headers["Allow"] = allowed
        return BadRequest(f"{scope['method'][:20]} is not possible here; possible are {allowed}.", http_status=405)
