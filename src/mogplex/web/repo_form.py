"""The page of one repo: its settings as a form, its variables and secrets by name, and what the form sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from mogplex.domain.errors import BadRequest, MogplexError
from mogplex.domain.repo import Repo
from mogplex.domain.run import CheckPolicy
from mogplex.domain.secret import Phase
from mogplex.web.repo_forge import ASSOCIATIONS, FORGES, TRIGGERS, forge_body, forge_values
from mogplex.web.start import budget_of
from mogplex.web.visit import Form, Visit

PHASE_HINTS = {
    "setup": "commands that install",
    "agent": "the harness and what it runs",
    "checks": "the checks",
    "git": "shown to the remote by git alone, never inside a sandbox; goes with no other",
    "hook": "what GitHub signs its messages with, never inside a sandbox; goes with no other",
    "forge": "shown to the forge's API for pull requests, never inside a sandbox; goes with no other",
}
_TESTS = {None: "", True: "base", False: "run"}  # whose tests decide


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused, and of which of the page's forms: `settings`, `variable` or `secret`."""

    fault: MogplexError
    part: str
    form: Form = Form()


def show_repo(visit: Visit, repo: Repo | None, values: Mapping[str, str], refusal: Refusal | None = None) -> Response:
    """`repo` None: the form to add one."""
    return visit.show(
        "repo.html",
        200 if refusal is None else 400,
        repo=repo,
        values=values,
        refused=refusal,
        harnesses=visit.rooms.harnesses(),
        policies=list(CheckPolicy),
        phases=[(phase, PHASE_HINTS[phase]) for phase in Phase],
        forge_choices=[("", "found out"), *((each, each) for each in FORGES)],
        triggers=TRIGGERS,
        associations=ASSOCIATIONS,
    )


def values_of(repo: Repo) -> dict[str, str]:
    """What the form shows. Values of variables and secrets are not among it."""
    budget = {name: f"{value:g}" for name, value in repo.budget.as_wire().items() if value is not None}
    return {
        "name": repo.full_name,
        "defaultBranch": repo.default_branch,
        "rootDirectory": repo.root_directory,
        "setup": "\n".join(repo.setup),
        "python": repo.python or "",
        "image": repo.image,
        "checks": "\n".join(repo.checks),
        "checkPolicy": repo.check_policy,
        "checkFiles": "\n".join(repo.check_files),
        "protectTests": _TESTS[repo.protect_tests],
        "allowHosts": "\n".join(repo.allow_hosts),
        "pushBranches": "\n".join(repo.push_branches),
        "harness": repo.default_harness or "",
        "timeoutSeconds": "" if repo.timeout_seconds is None else f"{repo.timeout_seconds:g}",
        "concurrency": "" if repo.concurrency is None else str(repo.concurrency),
        **budget,
        **forge_values(repo),
    }


def given_of(form: Form) -> dict[str, str]:
    """The same of a form that was refused, but for what must not be sent back."""
    return {name: "\n".join(values) for name, values in form.values.items() if name != "gitCredential"}


def body_of(form: Form, repo: Repo | None) -> dict[str, Any]:
    """Blank fields put a setting back to its default; on adding (`repo` None) they are left out."""
    body: dict[str, Any] = {
        "name": form.get("name"),
        "defaultBranch": form.get("defaultBranch"),
        "rootDirectory": form.get("rootDirectory"),
        "setup": form.lines("setup") or None,
        "python": form.get("python"),
        "image": form.get("image"),
        "checks": form.lines("checks") or None,
        "checkPolicy": form.get("checkPolicy"),
        "checkFiles": form.lines("checkFiles") or None,
        "protectTests": {"base": True, "run": False}.get(form.get("protectTests") or ""),
        "allowHosts": form.lines("allowHosts") or None,
        "pushBranches": form.lines("pushBranches") or None,
        "harness": form.get("harness"),
        "budget": budget_of(form),
        "timeoutSeconds": _number(form.get("timeoutSeconds")),
        "concurrency": _number(form.get("concurrency")),
        **forge_body(form, repo),
    }
    if repo is None:
        body["cloneUrl"] = form.get("cloneUrl")
        body["gitCredential"] = form.get("gitCredential")
        return {name: value for name, value in body.items() if value is not None}
    return {name: value for name, value in body.items() if value is not None or name not in ("name", "defaultBranch")}


def seen_at_of(form: Form) -> float | None:
    """When the repo that the form showed was changed last. Raises BadRequest."""
    text = form.get("seenAt") or ""
    try:
        return float(text) if text else None
    except ValueError as fault:
        raise BadRequest(f"seenAt {text[:60]!r} is no time. Open the page anew.") from fault


def _number(text: str | None) -> float | str | None:
    """What is no number goes on as it is, to be refused with the other faults of the form."""
    try:
        number = None if text is None else float(text)
    except ValueError:
        return text
    return int(number) if number is not None and number.is_integer() else number
