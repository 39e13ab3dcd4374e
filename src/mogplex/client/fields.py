"""The JSON objects that requests take, for type checkers only: nothing imports this module when a program runs.

Plain dicts do as well. The server refuses a field it does not know, with its name.
"""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict


class Budget(TypedDict, total=False):
    """What a run may use before it is ended as `budget_exceeded`; `usd` is an estimate from list prices."""

    usd: float
    tokens: int
    modelCalls: int
    toolCalls: int


class RunBody(TypedDict, total=False):
    """What `Client.start_run` takes. `repoId` is an id or owner/name; what is left out comes from the repo."""

    repoId: Required[str]
    prompt: Required[str]
    harness: str | None
    baseBranch: str | None
    workingBranch: str | None
    createBranch: bool | None
    rootDirectory: str | None
    conversationId: str | None
    workspaceSessionId: str | None
    mode: str | None
    model: str | None
    title: str | None
    timeoutSeconds: float | None
    budget: Budget | None
    checks: list[str] | None
    checkPolicy: Literal["strict", "no-regression"] | None
    protectTests: bool | None
    record: bool
    replayOf: str
    outputSchema: dict[str, Any] | None
    labels: dict[str, str] | None
    env: dict[str, str] | None
    priority: int | None
    needs: list[str] | None
    delivery: Literal["branch", "pull_request", "patch"] | None
    attempts: int | None
    attemptsMode: Literal["in-order", "side-by-side"] | None
    harnesses: list[str] | None
    deliverPartial: bool | None
    notify: str | None
    supersede: bool | None
    commit: str | None


class RunOptions(TypedDict, total=False):
    """What `Client.run` takes beside repo and prompt: the fields of `RunBody` in snake_case."""

    harness: str | None
    base_branch: str | None
    working_branch: str | None
    create_branch: bool | None
    root_directory: str | None
    conversation_id: str | None
    workspace_session_id: str | None
    mode: str | None
    model: str | None
    title: str | None
    timeout_seconds: float | None
    budget: Budget | None
    checks: list[str] | None
    check_policy: Literal["strict", "no-regression"] | None
    protect_tests: bool | None
    record: bool | None
    replay_of: str | None
    output_schema: dict[str, Any] | None
    labels: dict[str, str] | None
    env: dict[str, str] | None
    priority: int | None
    delivery: Literal["branch", "pull_request", "patch"] | None
    attempts: int | None
    attempts_mode: Literal["in-order", "side-by-side"] | None
    harnesses: list[str] | None
    deliver_partial: bool | None
    supersede: bool | None
    commit: str | None


class RetryOptions(TypedDict, total=False):
    """What `Run.retry` takes: the fields of `RetryBody` in snake_case."""

    harness: str | None
    model: str | None
    timeout_seconds: float | None
    budget: Budget | None
    resume: bool | None


class RunFilters(TypedDict, total=False):
    """Which runs `Client.runs.list` gives, as for `Client.list_runs`."""

    repo: str | None
    status: str | None
    outcome: str | None
    label: list[str] | None
    retry_of: str | None
    contender_of: str | None
    since: str | None


class RetryBody(TypedDict, total=False):
    """What `Client.retry_run` may change against the run it retries."""

    harness: str | None
    model: str | None
    timeoutSeconds: float | None
    budget: Budget | None
    resume: bool | None


class ForgeBody(TypedDict, total=False):
    """Where the pull requests of a repo are opened; what is left out is found from the clone URL."""

    kind: Literal["github", "gitlab", "gitea"] | None
    apiUrl: str | None
    project: str | None
    labels: list[str] | None


class HooksBody(TypedDict, total=False):
    """Which messages of a repo's forge start runs; null: none does."""

    on: list[Literal["comment", "label", "workflow"]] | None
    label: str | None
    people: list[str] | None
    associations: list[Literal["OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"]] | None
    delivery: Literal["branch", "pull_request", "patch"] | None


class RepoBody(TypedDict, total=False):
    """A repo's settings. `cloneUrl` is a URL or an absolute path on the server's machine."""

    name: str
    cloneUrl: str
    gitCredential: str | None
    defaultBranch: str | None
    rootDirectory: str | None
    setup: list[str] | None
    python: str | None
    checks: list[str] | None
    checkPolicy: Literal["strict", "no-regression"] | None
    checkFiles: list[str] | None
    protectTests: bool | None
    image: str | None
    env: dict[str, str] | None
    allowHosts: list[str] | None
    pushBranches: list[str] | None
    harness: str | None
    budget: Budget | None
    timeoutSeconds: float | None
    concurrency: int | None
    forge: ForgeBody | None
    hooks: HooksBody | None


class SecretBody(TypedDict):
    """A repo's secret: its value, and who gets it. `git`, `forge` and `hook` go with no other phase."""

    value: str
    phases: list[Literal["setup", "agent", "checks", "git", "forge", "hook"]]


class KeyBody(TypedDict, total=False):
    """A new key. `repos` are ids (left out: every repo), `expiresAt` an ISO time."""

    name: Required[str]
    scopes: list[Literal["read", "write", "admin"]]
    repos: list[str] | None
    expiresAt: str | None
