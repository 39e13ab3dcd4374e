"""API keys: list, make (the secret is shown this once), revoke."""

from __future__ import annotations

import time

from starlette.responses import Response

from mogplex.domain.access import Scope
from mogplex.domain.errors import BadRequest, MogplexError
from mogplex.web.answers import redirect
from mogplex.web.page import Page
from mogplex.web.visit import Form, Visit

DAY_SECONDS = 86400.0


def show(visit: Visit) -> Response:
    return _page(visit, Form(), None, 200)


def create(visit: Visit) -> Response:
    form = visit.form
    try:
        key, secret = visit.rooms.keys.create(
            visit.caller,
            name=form.get("name") or "",
            scopes=form.all("scope"),
            repo_ids=form.all("repo") or None,
            expires_at=_expiry(form.get("days")),
        )
    except MogplexError as fault:
        return _page(visit, form, fault, 400)
    return visit.show("key_made.html", key=key, secret=secret)


def revoke(visit: Visit) -> Response:
    visit.rooms.keys.revoke(visit.caller, visit.path("key_id"))
    return redirect("/keys")


def _page(visit: Visit, form: Form, fault: MogplexError | None, status: int) -> Response:
    repos = visit.rooms.repos.list(visit.caller, limit=200).items
    return visit.show(
        "keys.html",
        status,
        keys=visit.rooms.keys.list(visit.caller),
        now=time.time(),
        form=form,
        fault=fault,
        scopes=list(Scope),
        repos=repos,
        repo_names={repo.id: repo.full_name for repo in repos},
    )


def _expiry(days: str | None) -> float | None:
    if days is None:
        return None
    if not (days.isascii() and days.isdigit() and 0 < int(days) <= 3650):
        raise BadRequest(f"A key can live for 1 to 3650 days, not {days[:20]!r}.")
    return time.time() + int(days) * DAY_SECONDS


PAGES = (
    Page("GET", "/keys", show, needs=Scope.ADMIN),
    Page("POST", "/keys", create, needs=Scope.ADMIN),
    Page("POST", "/keys/{key_id}/revoke", revoke, needs=Scope.ADMIN),
)
