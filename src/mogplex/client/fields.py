"""The optional fields of requests, for type checkers only: nothing imports this module when a program runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict


class Budget(TypedDict, total=False):
    """What a run may use before it is ended as `budget_exceeded`; `usd` is an estimate from list prices."""

    usd: float
    tokens: int
    model_calls: int
    tool_calls: int


class RunFields(TypedDict, total=False):
    """What `Client.start_run` takes besides repo and prompt. Left out or None means: the repo's default."""

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
    checks: Sequence[str] | None
    output_schema: Mapping[str, Any] | None
    labels: Mapping[str, str] | None
    env: Mapping[str, str] | None
    priority: int | None
    delivery: Literal["branch", "pull_request", "patch"] | None
    commit: str | None


class RetryFields(TypedDict, total=False):
    """What `Client.retry_run` may change against the run it retries."""

    harness: str | None
    model: str | None
    timeout_seconds: float | None
    budget: Budget | None


class RepoFields(TypedDict, total=False):
    """A repo's settings. With `update_repo`, None clears a setting; with `add_repo` it is the same as left out."""

    name: str | None
    default_branch: str | None
    root_directory: str | None
    setup_command: str | None
    checks: Sequence[str] | None
    env: Mapping[str, str] | None
    allow_hosts: Sequence[str] | None
    default_harness: str | None
    budget: Budget | None
    timeout_seconds: float | None
    allow_push: bool | None
