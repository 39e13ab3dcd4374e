"""Repos: list, add, change, remove."""

from __future__ import annotations

from starlette.responses import Response

from mogplex.domain.access import Scope
from mogplex.domain.errors import MogplexError
from mogplex.web.answers import redirect
from mogplex.web.page import Page
from mogplex.web.repo_form import Refusal, body_of, given_of, seen_at_of, show_repo, values_of
from mogplex.web.visit import Visit


def show(visit: Visit) -> Response:
    page = visit.rooms.repos.list(visit.caller, visit.query("q"), 100, visit.query("cursor"))
    return visit.show("repos.html", repos=page.items, q=visit.query("q") or "", cursor=page.next_cursor)


def show_new(visit: Visit) -> Response:
    return show_repo(visit, None, {})


def show_one(visit: Visit) -> Response:
    repo = visit.rooms.repos.get(visit.caller, visit.path("repo_id"))
    return show_repo(visit, repo, values_of(repo))


def add(visit: Visit) -> Response:
    try:
        repo, _ = visit.rooms.repos.add(visit.caller, body_of(visit.form, None))
    except MogplexError as fault:
        return show_repo(visit, None, given_of(visit.form), Refusal(fault, "settings"))
    return redirect(f"/repos/{repo.id}")


def update(visit: Visit) -> Response:
    repo = visit.rooms.repos.get(visit.caller, visit.path("repo_id"))
    try:
        visit.rooms.repos.update(visit.caller, repo.id, body_of(visit.form, repo), seen_at=seen_at_of(visit.form))
    except MogplexError as fault:
        return show_repo(visit, repo, given_of(visit.form), Refusal(fault, "settings"))
    return redirect("/repos")


def remove(visit: Visit) -> Response:
    visit.rooms.repos.remove(visit.caller, visit.path("repo_id"))
    return redirect("/repos")


PAGES = (
    Page("GET", "/repos", show),
    Page("GET", "/repos/new", show_new, needs=Scope.ADMIN),
    Page("POST", "/repos/new", add, needs=Scope.ADMIN),
    Page("GET", "/repos/{repo_id}", show_one, needs=Scope.ADMIN),
    Page("POST", "/repos/{repo_id}", update, needs=Scope.ADMIN),
    Page("POST", "/repos/{repo_id}/remove", remove, needs=Scope.ADMIN),
)
