"""From a request and the settings of its repo to the run that is to be made: pure, and the only place for defaults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for

from mogplex.domain.access import Caller
from mogplex.domain.branch import generate_working_branch
from mogplex.domain.budget import Budget
from mogplex.domain.contest import Contest, ContestMode
from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.forge import locate
from mogplex.domain.repo import Repo
from mogplex.domain.request import RunRequest
from mogplex.domain.run import Delivery, Run, Status
from mogplex.domain.secret import Phase
from mogplex.service.ids import generate_id

MAX_TITLE_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Branches:
    base: str
    working: str
    create: bool


def plan_run(
    caller: Caller, request: RunRequest, repo: Repo, idempotency_key: str, harness: str, default_timeout_seconds: float
) -> Run:
    """The run as it will be stored, but for its times. Raises BadRequest for branches that may not be used."""
    delivery = request.delivery or Delivery.BRANCH
    require_schema(request.output_schema)
    branches = resolve_branches(request, repo, idempotency_key, delivery)
    require_delivery(delivery, repo, branches)
    root = request.root_directory
    return Run(
        id=generate_id("run"),
        repo_id=repo.id,
        repo_full_name=repo.full_name,
        status=Status.PENDING,
        harness=harness,
        prompt=request.prompt,
        base_branch=branches.base,
        working_branch=branches.working,
        create_branch=branches.create,
        created_at=0.0,
        updated_at=0.0,
        key_owner=caller.owner,
        api_key_id=caller.key_id,
        idempotency_key=idempotency_key,
        request_hash=request.digest(),
        timeout_seconds=request.timeout_seconds or repo.timeout_seconds or default_timeout_seconds,
        delivery=delivery,
        root_directory=repo.root_directory if root is None else root,
        model=request.model,
        mode=request.mode,
        title=request.title or title_of(request.prompt),
        labels=dict(request.labels),
        environment=dict(request.environment),
        checks=repo.checks if request.checks is None else request.checks,
        contest=plan_contest(request, harness),
        deliver_partial=request.deliver_partial,
        check_policy=request.check_policy or repo.check_policy,
        protect_tests=repo.protect_tests if request.protect_tests is None else request.protect_tests,
        budget=request.budget.or_else(repo.budget),
        output_schema=request.output_schema,
        priority=request.priority,
        needs=request.needs,
        commit=request.commit,
        record=request.record,
        replay_of=request.replay_of,
        notify_url=request.notify,
        conversation_id=request.conversation_id,
        workspace_session_id=request.workspace_session_id,
    )


def plan_retry(old: Run, caller: Caller, idempotency_key: str, request_hash: str, overrides: RunRequest) -> Run:
    """The same work once more, on the same branches. `overrides` bears the few fields that may differ."""
    return Run(
        id=generate_id("run"),
        repo_id=old.repo_id,
        repo_full_name=old.repo_full_name,
        status=Status.PENDING,
        harness=overrides.harness or old.harness,
        prompt=old.prompt,
        base_branch=old.base_branch,
        working_branch=old.working_branch,
        create_branch=old.create_branch,
        created_at=0.0,
        updated_at=0.0,
        key_owner=caller.owner,
        api_key_id=caller.key_id,
        idempotency_key=idempotency_key,
        request_hash=request_hash,
        timeout_seconds=overrides.timeout_seconds or old.timeout_seconds,
        delivery=old.delivery,
        root_directory=old.root_directory,
        model=overrides.model or (old.model if overrides.harness in (None, old.harness) else None),
        mode=old.mode,
        title=old.title,
        labels=old.labels,
        environment=old.environment,
        checks=old.checks,
        contest=old.contest.afresh() if old.contest and not overrides.harness and not overrides.resume else None,
        deliver_partial=old.deliver_partial,
        resume=overrides.resume,
        check_policy=old.check_policy,
        protect_tests=old.protect_tests,
        budget=overrides.budget.or_else(old.budget) if overrides.budget != Budget() else old.budget,
        output_schema=old.output_schema,
        priority=old.priority,
        needs=old.needs,
        commit=old.commit,
        record=old.record,
        replay_of=old.replay_of,
        notify_url=old.notify_url,
        notify_webhook=old.notify_webhook,
        conversation_id=old.conversation_id,
        workspace_session_id=old.workspace_session_id,
        retry_of=old.id,
    )


def plan_contest(request: RunRequest, harness: str) -> Contest | None:
    """None for one attempt: that is an ordinary run. `harness` is who works when the request names none."""
    names = request.harnesses or (harness,)
    count = request.attempts or len(names)
    if count == 1:
        return None
    turns = tuple(names[number % len(names)] for number in range(count))
    return Contest(request.attempts_mode or ContestMode.IN_ORDER, turns)


def require_delivery(delivery: Delivery, repo: Repo, branches: Branches) -> None:
    """Raises BadRequest for a pull request that can't be opened anyway: better now than after the work."""
    if delivery is not Delivery.PULL_REQUEST:
        return
    place = locate(repo.clone_url, repo.forge)
    phases = {phase for secret in repo.secrets for phase in secret.phases}
    if Phase.FORGE not in phases and not (place.own_host and Phase.GIT in phases):
        raise BadRequest(
            f"{repo.full_name} has no credential for {place.api_url}, so no pull request can be opened there. Set a "
            f"token, or a GitHub App: mogplex repos secrets set {repo.id} FORGE --for forge",
            [Detail("delivery", "pull_request needs a credential for the forge")],
        )
    if branches.working == branches.base:
        raise _refusal(
            f"A pull request from {branches.working!r} to itself can't be opened: let the run make a branch of its own "
            "(createBranch, --create-branch), or name another workingBranch."
        )


def require_schema(schema: Mapping[str, Any] | None) -> None:
    """Raises BadRequest when outputSchema is no JSON Schema, before any work is done for it."""
    if schema is None:
        return
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(dict(schema))
    except SchemaError as fault:
        where = "/".join(str(part) for part in fault.absolute_path) or "its root"
        raise BadRequest(
            f"outputSchema is no valid JSON Schema: at {where}: {fault.message[:300]}",
            [Detail("outputSchema", f"at {where}: {fault.message[:300]}")],
        ) from fault


def resolve_branches(request: RunRequest, repo: Repo, idempotency_key: str, delivery: Delivery) -> Branches:
    """Raises BadRequest, with what to do instead."""
    base = request.base_branch or repo.default_branch
    if not request.create_branch:
        working = request.working_branch or base
        require_push(repo, working, delivery)
        return Branches(base, working, False)
    working = request.working_branch or generate_working_branch(idempotency_key, request.canonical())
    if working == base:
        raise _refusal(f"workingBranch {working!r} is the base branch, so it can't be created. Name another, or none.")
    if working == repo.default_branch:
        raise _refusal(f"workingBranch {working!r} is the repo's default branch, so it can't be created. Name another.")
    return Branches(base, working, True)


def require_push(repo: Repo, working: str, delivery: Delivery) -> None:
    """Raises BadRequest when runs may not push to that branch of the repo."""
    if delivery is Delivery.PATCH or repo.may_push_to(working):
        return
    allowed = ", ".join(repo.push_branches) or "none"
    raise _refusal(
        f"Runs may not push to the existing branch {working!r} of {repo.full_name} (allowed: {allowed}). "
        "Let the run make a branch of its own with createBranch (--create-branch), ask for the patch only "
        f"(--delivery patch), or allow it: mogplex repos set {repo.id} --push-branch {working}"
    )


def require_harness(name: str, known: Collection[str]) -> None:
    """Raises BadRequest."""
    if name not in known:
        listed = ", ".join(sorted(known))
        raise BadRequest(
            f"harness {name!r} is not known; known are: {listed}.", [Detail("harness", f"must be one of {listed}")]
        )


def title_of(prompt: str) -> str:
    """The first line of a prompt, cut."""
    line = prompt.strip().split("\n", 1)[0].strip()
    return line if len(line) <= MAX_TITLE_CHARACTERS else line[: MAX_TITLE_CHARACTERS - 1].rstrip() + "…"


def _refusal(message: str) -> BadRequest:
    return BadRequest(message, [Detail("workingBranch", message)])
