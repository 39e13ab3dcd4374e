"""The pages put together: every address, who may see it, and what surrounds an answer."""

from __future__ import annotations

import hmac
import logging
from dataclasses import replace
from urllib.parse import quote, urlsplit

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as AsgiRoute
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from mogplex.domain.errors import BadRequest, ErrorCode, Forbidden, MogplexError, NotFound, RateLimited, Unauthorized
from mogplex.web import (
    keys,
    overview,
    repo_secrets,
    repos,
    run_list,
    run_page,
    schedules,
    sign_in,
    start,
    webhooks,
    workers,
)
from mogplex.web.answers import Templates, redirect
from mogplex.web.assets import Assets
from mogplex.web.live import Live, Streams
from mogplex.web.page import Page
from mogplex.web.rooms import Rooms
from mogplex.web.visit import DOOR_COOKIE, MAX_FORM_BYTES, SESSION_COOKIE, TOKEN_FIELD, Form, Visit

PAGES: tuple[Page, ...] = (
    *sign_in.PAGES,
    *overview.PAGES,
    *run_list.PAGES,
    *start.PAGES,
    *run_page.PAGES,
    *repos.PAGES,
    *repo_secrets.PAGES,
    *schedules.PAGES,
    *webhooks.PAGES,
    *keys.PAGES,
    *workers.PAGES,
)
_STATUSES = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.IDEMPOTENCY_CONFLICT: 409,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.SERVICE_UNAVAILABLE: 503,
}
_log = logging.getLogger(__name__)


class Pages:
    """The ASGI application of the dashboard. `close` ends what is followed live; call it on the event loop."""

    def __init__(self, rooms: Rooms) -> None:
        self._assets = Assets()
        self._streams = Streams()
        self._templates = Templates(self._assets)
        by_path: dict[str, list[Page]] = {}
        for page in PAGES:
            by_path.setdefault(page.path, []).append(page)
        live = Live(rooms, self._templates, self._streams)
        self._router = Router(
            routes=[
                *(AsgiRoute(path, _Endpoint(found, rooms, self._templates)) for path, found in by_path.items()),
                AsgiRoute("/runs/{run_id}/live", live),
            ],
            default=_Endpoint([], rooms, self._templates),
            redirect_slashes=False,
        )

    def close(self) -> None:
        self._streams.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asset = self._assets.find(scope["path"])
        answer: ASGIApp = self._router if asset is None else asset.answer(Headers(scope=scope))
        await answer(scope, receive, send)


class _Endpoint:
    """All pages of one address."""

    def __init__(self, pages: list[Page], rooms: Rooms, templates: Templates) -> None:
        self._pages = {page.method: page for page in pages}
        self._rooms = rooms
        self._templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await _read_body(request) if request.method == "POST" else b""
        answer = await to_thread.run_sync(self._answer, request, body)
        await answer(scope, receive, send)

    def _answer(self, request: Request, body: bytes | None) -> Response:
        visit = Visit(self._rooms, self._templates, request, None, "")
        try:
            visit = self._admit(visit)
            page = self._find(request)
            if visit.signed_in is None and not page.open:
                return _to_sign_in(request)
            if page.method == "POST":
                if body is None:
                    raise BadRequest(f"The form is larger than {MAX_FORM_BYTES >> 20} MiB. Shorten it.")
                visit = replace(visit, form=Form.of(body))
                _require_own_form(visit)
            if page.needs is not None:
                visit.caller.require(page.needs)
            return page.answer(visit)
        except Unauthorized:
            return _to_sign_in(request)
        except MogplexError as fault:
            return _tell(visit, fault)
        except Exception:  # noqa: BLE001 - the last place that can answer: nobody is to see a stack
            _log.exception("The page %s failed", ascii(request.url.path)[:200])
            return _tell(visit, MogplexError("The server made a mistake; its log says which."))

    def _admit(self, visit: Visit) -> Visit:
        token = visit.request.cookies.get(SESSION_COOKIE, "")
        caller = self._rooms.sessions.find(token, visit.origin) if token else None
        if caller is None:
            token = visit.request.cookies.get(DOOR_COOKIE, "")
        return replace(visit, signed_in=caller, token=token)

    def _find(self, request: Request) -> Page:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in self._pages:
            if not self._pages:
                raise NotFound(f"There is no page at {request.url.path[:100]!r}.")
            raise BadRequest(f"{method[:20]} is not possible here.", http_status=405)
        return self._pages[method]


async def _read_body(request: Request) -> bytes | None:
    """None: it is too large; then the rest is not read."""
    parts, total = [], 0
    async for part in request.stream():
        parts.append(part)
        total += len(part)
        if total > MAX_FORM_BYTES:
            return None
    return b"".join(parts)


def _require_own_form(visit: Visit) -> None:
    """Raises Forbidden for a form that did not come from a page of ours in this browser."""
    request = visit.request
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    foreign = foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    token = visit.form.get(TOKEN_FIELD) or ""
    if foreign or not visit.token or not hmac.compare_digest(token.encode(), visit.csrf.encode()):
        raise Forbidden("The form is too old, or not from this page. Go back, load the page anew and send it again.")


def _to_sign_in(request: Request) -> Response:
    """Back to where they wanted, once they are in. A fragment asks the browser to go there as a whole."""
    if request.headers.get("hx-request"):
        return Response(b"", 401, {"HX-Redirect": "/sign-in", "Cache-Control": "no-store"})
    wanted = request.url.path if request.method == "GET" else "/"
    return redirect("/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted)}")


def _tell(visit: Visit, fault: MogplexError) -> Response:
    status = getattr(fault, "http_status", _STATUSES.get(fault.code, 500))
    headers = {"Retry-After": f"{fault.retry_after_seconds:.0f}"} if isinstance(fault, RateLimited) else {}
    if visit.request.headers.get("hx-request"):
        return visit.show("fault.html", status, headers, fault=fault)
    return visit.show("error.html", status, headers, fault=fault, status=status)
