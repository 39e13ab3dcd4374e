"""A repo's variables and secrets: set and remove them. Their values go in and are never shown."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from mogplex.domain.access import Scope
from mogplex.domain.errors import MogplexError
from mogplex.domain.repo import Repo
from mogplex.web.answers import redirect
from mogplex.web.page import Page
from mogplex.web.repo_form import Refusal, show_repo, values_of
from mogplex.web.visit import Form, Visit


def set_variable(visit: Visit) -> Response:
    def act(repo: Repo) -> None:
        changes = {(visit.form.get("name") or ""): _value(visit.form)}
        visit.rooms.repos.change_variables(visit.caller, repo.id, changes)

    return _change(visit, "variable", act)


def remove_variable(visit: Visit) -> Response:
    def act(repo: Repo) -> None:
        visit.rooms.repos.change_variables(visit.caller, repo.id, {visit.path("name"): None})

    return _change(visit, "variable", act)


def set_secret(visit: Visit) -> Response:
    def act(repo: Repo) -> None:
        body = {"value": _value(visit.form), "phases": visit.form.all("phase")}
        visit.rooms.secrets.put(visit.caller, repo.id, visit.form.get("name") or "", body)

    return _change(visit, "secret", act)


def remove_secret(visit: Visit) -> Response:
    return _change(visit, "secret", lambda repo: visit.rooms.secrets.remove(visit.caller, repo.id, visit.path("name")))


def _change(visit: Visit, part: str, act: Callable[[Repo], None]) -> Response:
    repo = visit.rooms.repos.get(visit.caller, visit.path("repo_id"))
    try:
        act(repo)
    except MogplexError as fault:
        kept = {name: values for name, values in visit.form.values.items() if name != "value"}
        return show_repo(visit, repo, values_of(repo), Refusal(fault, part, Form(kept)))
    return redirect(f"/repos/{repo.id}#{part}s")


def _value(form: Form) -> str:
    """As it was typed: blanks at its ends may belong to it, line ends there do not."""
    return form.values.get("value", [""])[0].strip("\n")


_ONE = "/repos/{repo_id}"
PAGES = (
    Page("POST", f"{_ONE}/variables", set_variable, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/variables/{{name}}/remove", remove_variable, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/secrets", set_secret, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/secrets/{{name}}/remove", remove_secret, needs=Scope.ADMIN),
)
