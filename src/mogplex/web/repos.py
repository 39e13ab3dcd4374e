"""Repos: list, add, change, remove."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mogplex.domain.access import Scope
from mogplex.domain.errors import MogplexError
from mogplex.domain.repo import Repo
from mogplex.web.answers import redirect
from mogplex.web.page import Page
from mogplex.web.start import budget_of
from mogplex.web.visit import Form, Visit


def show(visit: Visit) -> Response:
    page = visit.rooms.repos.list(visit.caller, visit.query("q"), 100, visit.query("cursor"))
    return visit.show("repos.html", repos=page.items, q=visit.query("q") or "", cursor=page.next_cursor)


def show_new(visit: Visit) -> Response:
    return _form(visit, None, {}, None, 200)


def show_one(visit: Visit) -> Response:
    repo = visit.rooms.repos.get(visit.caller, visit.path("repo_id"))
    return _form(visit, repo, _values(repo), None, 200)


def add(visit: Visit) -> Response:
    try:
        repo, _ = visit.rooms.repos.add(visit.caller, _body(visit.form, creating=True))
    except MogplexError as fault:
        return _form(visit, None, _given(visit.form), fault, 400)
    return redirect(f"/repos/{repo.id}")


def update(visit: Visit) -> Response:
    repo = visit.rooms.repos.get(visit.caller, visit.path("repo_id"))
    try:
        visit.rooms.repos.update(visit.caller, repo.id, _body(visit.form, creating=False))
    except MogplexError as fault:
        return _form(visit, repo, _given(visit.form), fault, 400)
    return redirect("/repos")


def remove(visit: Visit) -> Response:
    visit.rooms.repos.remove(visit.caller, visit.path("repo_id"))
    return redirect("/repos")


def _form(visit: Visit, repo: Repo | None, values: dict[str, str], fault: MogplexError | None, status: int) -> Response:
    return visit.show("repo.html", status, repo=repo, values=values, fault=fault, harnesses=visit.rooms.harnesses())


def _values(repo: Repo) -> dict[str, str]:
    """What the form shows. Values of variables are secrets: they are not among it."""
    budget = {name: f"{value:g}" for name, value in repo.budget.as_wire().items() if value is not None}
    return {
        "name": repo.full_name,
        "defaultBranch": repo.default_branch,
        "rootDirectory": repo.root_directory,
        "setup": "\n".join(repo.setup),
        "checks": "\n".join(repo.checks),
        "allowHosts": "\n".join(repo.allow_hosts),
        "pushBranches": "\n".join(repo.push_branches),
        "harness": repo.default_harness or "",
        "timeoutSeconds": "" if repo.timeout_seconds is None else f"{repo.timeout_seconds:g}",
        **budget,
    }


def _given(form: Form) -> dict[str, str]:
    return {name: values[0] for name, values in form.values.items()}


def _body(form: Form, *, creating: bool) -> dict[str, Any]:
    """Blank fields put a setting back to its default; on adding they are left out."""
    timeout = form.get("timeoutSeconds")
    body: dict[str, Any] = {
        "name": form.get("name"),
        "defaultBranch": form.get("defaultBranch"),
        "rootDirectory": form.get("rootDirectory"),
        "setup": form.lines("setup") or None,
        "checks": form.lines("checks") or None,
        "allowHosts": form.lines("allowHosts") or None,
        "pushBranches": form.lines("pushBranches") or None,
        "harness": form.get("harness"),
        "budget": budget_of(form),
        "timeoutSeconds": None if timeout is None else _number(timeout),
    }
    if creating:
        body["cloneUrl"] = form.get("cloneUrl")
        return {name: value for name, value in body.items() if value is not None}
    return {name: value for name, value in body.items() if value is not None or name not in ("name", "defaultBranch")}


def _number(text: str) -> float | str:
    """What is no number goes on as it is, to be refused with the other faults of the form."""
    try:
        return float(text)
    except ValueError:
        return text


PAGES = (
    Page("GET", "/repos", show),
    Page("GET", "/repos/new", show_new, needs=Scope.ADMIN),
    Page("POST", "/repos/new", add, needs=Scope.ADMIN),
    Page("GET", "/repos/{repo_id}", show_one, needs=Scope.ADMIN),
    Page("POST", "/repos/{repo_id}", update, needs=Scope.ADMIN),
    Page("POST", "/repos/{repo_id}/remove", remove, needs=Scope.ADMIN),
)
