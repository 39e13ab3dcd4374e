"""The door put together: every route, and what surrounds them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route as AsgiRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from mogplex.api import (
    audit,
    events,
    harnesses,
    hook_deliveries,
    keys,
    manual,
    me,
    models,
    observability,
    repos,
    runs,
    sandboxes,
    schedules,
    secrets,
    webhooks,
)
from mogplex.api.admitted import Admitted, Neighbour
from mogplex.api.envelope import JSON_TYPE, encode_json
from mogplex.api.guard import Guard, exchange_of
from mogplex.api.health import Health
from mogplex.api.hooks import PATH, HookEndpoint
from mogplex.api.metrics import Exposition
from mogplex.api.openapi import describe
from mogplex.api.route import Endpoint, Route
from mogplex.api.services import Services
from mogplex.api.tails import Tails
from mogplex.domain.errors import BadRequest, InternalError, MogplexError, NotFound

ROUTES: tuple[Route, ...] = (
    *me.ROUTES,
    *secrets.ROUTES,  # before those of repos, whose names may have a slash
    *repos.ROUTES,
    *harnesses.ROUTES,
    *models.ROUTES,
    *runs.ROUTES,
    *events.ROUTES,
    *sandboxes.ROUTES,
    *schedules.ROUTES,
    *webhooks.ROUTES,
    *keys.ROUTES,
    *audit.ROUTES,
    *hook_deliveries.ROUTES,
    *observability.ROUTES,
)
_VERSIONED = "/api/"
Answer = Callable[[Request], Awaitable[Response]]


def create_app(
    services: Services, *, version: str, neighbours: Sequence[Neighbour] = (), pages: ASGIApp | None = None
) -> FastAPI:
    """The ASGI application. `app.state.tails` is what a server closes when it stops; `pages` answers all other paths.

    `neighbours` are other doors for callers with a key, which know nothing of this one.

    Routes are plain ASGI endpoints: our order of checks (who, how often, what, then the body) leaves nothing for the
    framework's own validation to do, and the run and event routes are asked often.
    """
    # Tracing is off: what is worth a span is a run and its calls, not each poll for them.
    app = FastAPI(
        title="Mogplex",
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False},
    )
    document = describe(ROUTES, version, neighbours)
    app.openapi = lambda: document  # type: ignore[method-assign]
    tails = Tails(services.events, services.keys)
    app.state.tails = tails
    by_path: dict[str, list[Route]] = {}
    for route in ROUTES:
        by_path.setdefault(route.path, []).append(route)
    app.router.routes.extend(AsgiRoute(path, Endpoint(found, services, tails)) for path, found in by_path.items())
    app.router.routes.append(AsgiRoute(PATH, HookEndpoint(services.hooks)))
    app.router.routes.extend(AsgiRoute(each.path, Admitted(each, services)) for each in neighbours)
    _add_open_routes(app, Health(services, version), Exposition(services.metrics.read, version), document)
    app.router.default = _Nowhere(Endpoint((), services, tails), pages)
    app.add_exception_handler(HTTPException, _translate)
    app.add_middleware(Guard)
    return app


def _add_open_routes(app: FastAPI, health: Health, exposition: Exposition, document: dict[str, object]) -> None:
    """What anybody may ask for. Encoded once: neither changes while the server runs."""
    encoded = encode_json(document)
    page = manual.render(document)

    async def show_document(_: Request) -> Response:
        return Response(encoded, media_type=JSON_TYPE)

    async def show_page(_: Request) -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": manual.CONTENT_SECURITY_POLICY})

    answers: dict[str, Answer] = {
        "/healthz": health.healthz,
        "/readyz": health.readyz,
        "/metrics": exposition.answer,
        "/openapi.json": show_document,
        "/docs": show_page,
    }
    app.router.routes.extend(AsgiRoute(path, _OpenEndpoint(answer)) for path, answer in answers.items())


class _OpenEndpoint:
    """A path that anybody may GET."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            exchange_of(scope).headers["Allow"] = "GET, HEAD"
            raise BadRequest(f"{scope['method'][:20]} is not possible here; possible are GET, HEAD.", http_status=405)
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)


class _Nowhere:
    """Paths of no route: pages, if there are any. Below /api/ strangers are told first who they are not."""

    def __init__(self, admitted: Endpoint, pages: ASGIApp | None) -> None:
        self._admitted = admitted
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["path"].startswith(_VERSIONED):
            await self._admitted(scope, receive, send)
            return
        if self._pages is not None:
            await self._pages(scope, receive, send)
            return
        raise NotFound(f"There is nothing at {scope['path'][:100]!r}. See /docs for what there is.")


async def _translate(_: Request, error: Exception) -> Response:
    """The framework's own refusals, in our words."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    raise _FRAMEWORK.get(status, InternalError)(f"The request can't be answered ({status}).")


_FRAMEWORK: dict[int, type[MogplexError]] = {400: BadRequest, 404: NotFound, 413: BadRequest}
