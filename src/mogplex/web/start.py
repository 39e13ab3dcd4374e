"""Starting a run from a form, which shows the command that would do the same."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.responses import Response

from mogplex.domain.access import Scope
from mogplex.domain.errors import BadRequest, MogplexError
from mogplex.domain.request import RunRequest
from mogplex.domain.run import Delivery
from mogplex.web.answers import redirect
from mogplex.web.commands import cli_line
from mogplex.web.page import Page
from mogplex.web.visit import Form, Visit

NUMBERS = {"usd": float, "tokens": int, "modelCalls": int, "toolCalls": int}


def show(visit: Visit) -> Response:
    repo = visit.query("repo")
    return _form(visit, Form({"repo": [repo]} if repo else {}), None, 200)


def preview(visit: Visit) -> Response:
    """The command for what the form holds so far."""
    try:
        line, fault = cli_line(_body(visit.form)), None
    except BadRequest as refused:
        line, fault = "", refused
    return visit.show("start_command.html", line=line, fault=fault)


def start(visit: Visit) -> Response:
    """The form bears the idempotency key, so that a second press finds the run that the first has started."""
    if visit.form.get("preview"):  # without scripts, showing the command is a button of the form
        return _form(visit, visit.form, None, 200)
    try:
        key = visit.form.get("idempotencyKey") or secrets.token_hex(16)
        started = visit.rooms.runs.start(visit.caller, RunRequest.of(_body(visit.form)), key)
    except MogplexError as fault:
        return _form(visit, visit.form, fault, 400)
    return redirect(f"/runs/{started.run.id}")


def _form(visit: Visit, form: Form, fault: MogplexError | None, status: int) -> Response:
    repos = visit.rooms.repos.list(visit.caller, limit=200).items
    try:
        body = _body(form)
        first = repos[0].full_name if repos else None
        line = cli_line({"repoId": first, "createBranch": not form.values.get("prompt"), **body})
    except BadRequest:
        line = ""
    return visit.show(
        "start.html",
        status,
        form=form,
        fault=fault,
        line=line,
        repos=repos,
        harnesses=visit.rooms.harnesses(),
        deliveries=list(Delivery),
        idempotency_key=f"page-{secrets.token_hex(16)}",
    )


def _body(form: Form) -> dict[str, Any]:
    """The body of `POST /runs` that the form means. Raises BadRequest."""
    plain = {
        "repoId": form.get("repo"),
        "prompt": form.get("prompt"),
        "harness": form.get("harness"),
        "model": form.get("model"),
        "title": form.get("title"),
        "baseBranch": form.get("baseBranch"),
        "workingBranch": form.get("workingBranch"),
        "delivery": form.get("delivery"),
        "createBranch": True if form.get("createBranch") else None,
        "checks": form.lines("checks") or None,
        "timeoutSeconds": _number(form, "timeoutSeconds", float),
        "priority": _number(form, "priority", int),
        "budget": budget_of(form),
        "labels": dict(_label(line) for line in form.lines("labels")) or None,
    }
    return {name: value for name, value in plain.items() if value is not None}


def budget_of(form: Form) -> dict[str, float] | None:
    found = {name: _number(form, name, kind) for name, kind in NUMBERS.items()}
    return {name: value for name, value in found.items() if value is not None} or None


def _number(form: Form, name: str, kind: type[int] | type[float]) -> float | None:
    text = form.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError as fault:
        raise BadRequest(f"{name} must be a number, not {text[:40]!r}.") from fault
    return int(value) if kind is int and value.is_integer() else value


def _label(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals:
        raise BadRequest(f"A label is written name=value, not {line[:60]!r}.")
    return name.strip(), value.strip()


PAGES = (
    Page("GET", "/start", show, needs=Scope.WRITE),
    Page("POST", "/start", start, needs=Scope.WRITE),
    Page("POST", "/start/command", preview, needs=Scope.WRITE),
)
