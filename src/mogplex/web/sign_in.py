"""Signing in with an API key, signing out, and choosing between light and dark."""

from __future__ import annotations

import secrets
from dataclasses import replace

from starlette.responses import Response

from mogplex.domain.errors import BadRequest, MogplexError, RateLimited, Unauthorized
from mogplex.service.web_sessions import SESSION_SECONDS
from mogplex.web.answers import redirect
from mogplex.web.page import Page
from mogplex.web.visit import DOOR_COOKIE, SESSION_COOKIE, THEME_COOKIE, THEMES, Visit, cookie

DOOR_SECONDS = 3600
THEME_SECONDS = 365 * 86400


def show(visit: Visit) -> Response:
    if visit.signed_in is not None:
        return redirect("/")
    return _form(visit, None, 200)


def sign_in(visit: Visit) -> Response:
    try:
        token = visit.rooms.sessions.sign_in(visit.form.get("key") or "", visit.origin)
    except Unauthorized as fault:
        return _form(visit, fault, 401)
    except RateLimited as fault:
        return _form(visit, fault, 429)
    answer = redirect(_own_path(visit.form.get("next")))
    answer.headers.append("Set-Cookie", cookie(visit.request, SESSION_COOKIE, token, SESSION_SECONDS))
    answer.headers.append("Set-Cookie", cookie(visit.request, DOOR_COOKIE, "", 0))
    return answer


def sign_out(visit: Visit) -> Response:
    visit.rooms.sessions.sign_out(visit.token)
    answer = redirect("/sign-in")
    answer.headers.append("Set-Cookie", cookie(visit.request, SESSION_COOKIE, "", 0))
    return answer


def choose_theme(visit: Visit) -> Response:
    theme = visit.form.get("theme")
    if theme not in THEMES:
        raise BadRequest(f"theme must be one of {', '.join(THEMES)}.")
    answer = redirect(_own_path(visit.form.get("next")))
    answer.headers.append("Set-Cookie", cookie(visit.request, THEME_COOKIE, theme, THEME_SECONDS))
    return answer


def _form(visit: Visit, fault: MogplexError | None, status: int) -> Response:
    """The form's token is bound to a cookie, so that nobody signs another person's browser in."""
    fresh = not visit.token
    if fresh:
        visit = replace(visit, token=secrets.token_urlsafe(24))
    wanted = _own_path(visit.query("next") or visit.form.get("next"))
    answer = visit.show("sign_in.html", status, fault=fault, wanted=wanted)
    if fresh:
        answer.headers.append("Set-Cookie", cookie(visit.request, DOOR_COOKIE, visit.token, DOOR_SECONDS))
    return answer


def _own_path(path: str | None) -> str:
    """`path` if it stays on this server: `//host` and `/\\host` would not."""
    if path is None or not path.startswith("/") or path[1:2] in ("/", "\\") or not path.isprintable():
        return "/"
    return path


PAGES = (
    Page("GET", "/sign-in", show, needs=None, open=True),
    Page("POST", "/sign-in", sign_in, needs=None, open=True),
    Page("POST", "/sign-out", sign_out, needs=None),
    Page("POST", "/theme", choose_theme, needs=None),
)
