"""A run: one request to do work in a repo, from its start to exactly one ending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mogplex.domain.budget import Budget
from mogplex.domain.contest import Contest
from mogplex.domain.usage import Usage


class Status(StrEnum):
    """Where a run is. A request to cancel is a fact about a run, not a status of it."""

    PENDING = "pending"  # accepted, waits for a worker
    STREAMING = "streaming"  # a worker has it
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in (Status.SUCCESS, Status.FAILED, Status.CANCELLED)


# What may follow what. Back to pending: its worker was lost and another attempt is allowed.
MOVES: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.STREAMING, Status.CANCELLED, Status.FAILED}),
    Status.STREAMING: frozenset({Status.PENDING, Status.SUCCESS, Status.FAILED, Status.CANCELLED}),
    Status.SUCCESS: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}


class Outcome(StrEnum):
    """Why a run ended. Callers match on these, so adding one is a change of the contract."""

    COMPLETED = "completed"
    NO_CHANGES = "no_changes"
    CHECKS_FAILED = "checks_failed"
    HARNESS_FAILED = "harness_failed"
    MODEL_UNAVAILABLE = "model_unavailable"
    BUDGET_EXCEEDED = "budget_exceeded"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    SANDBOX_FAILED = "sandbox_failed"
    SETUP_FAILED = "setup_failed"
    DELIVERY_FAILED = "delivery_failed"
    OUTPUT_INVALID = "output_invalid"
    INTERRUPTED = "interrupted"
    CANCELLED_BY_CALLER = "cancelled_by_caller"
    SUPERSEDED = "superseded"

    @property
    def status(self) -> Status:
        return _STATUS_OF.get(self, Status.FAILED)


_STATUS_OF = {
    Outcome.COMPLETED: Status.SUCCESS,
    Outcome.NO_CHANGES: Status.SUCCESS,
    Outcome.CANCELLED_BY_CALLER: Status.CANCELLED,
    Outcome.SUPERSEDED: Status.CANCELLED,
}

OUTCOME_MEANING: Mapping[Outcome, str] = {
    Outcome.COMPLETED: "The work is done, the checks (if any) passed on a clean checkout, the result was delivered.",
    Outcome.NO_CHANGES: "The harness finished well and found nothing to change; the checks (if any) pass as it is.",
    Outcome.CHECKS_FAILED: "There is a patch, but the repo's checks failed on it or could not decide.",
    Outcome.HARNESS_FAILED: "The harness said that it failed, or ended without saying that it succeeded.",
    Outcome.MODEL_UNAVAILABLE: "The model provider could not be reached, or refused the calls.",
    Outcome.BUDGET_EXCEEDED: "A limit on dollars, tokens, model calls or tool calls was reached.",
    Outcome.TIMED_OUT: "The run's wall-clock limit was reached.",
    Outcome.STALLED: "The harness showed no sign of life for too long.",
    Outcome.SANDBOX_FAILED: "The sandbox could not be made, was stopped, or ran out of memory or disk.",
    Outcome.SETUP_FAILED: "The repo could not be prepared: branch, commit, root directory or setup command.",
    Outcome.DELIVERY_FAILED: "The work is done, but the result could not be pushed; the patch is kept.",
    Outcome.OUTPUT_INVALID: "The structured result does not match the schema that was asked for.",
    Outcome.INTERRUPTED: "The worker was lost and no attempts were left.",
    Outcome.CANCELLED_BY_CALLER: "Somebody cancelled the run.",
    Outcome.SUPERSEDED: "A newer run of the same repo and branch took its place.",
}


class Verdict(StrEnum):
    """What the checks said, apart from the status."""

    VERIFIED = "verified"  # ran on a clean checkout of base + patch, out of the agent's reach, and passed
    FAILED = "failed"
    NOT_RUN = "not_run"  # none configured, or the run ended before them
    INCONCLUSIVE = "inconclusive"  # could not run, timed out, ran zero tests


class CheckPolicy(StrEnum):
    """What is asked of the checks."""

    STRICT = "strict"  # that they pass
    NO_REGRESSION = "no-regression"  # that nothing becomes worse: what was red on the base may stay red


class Delivery(StrEnum):
    """What is to happen with the result. `patch` keeps it here only, to be fetched."""

    BRANCH = "branch"
    PULL_REQUEST = "pull_request"
    PATCH = "patch"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed, for programs: whether trying again may help, and what a person could do."""

    category: str
    retryable: bool
    remedy: str

    def as_wire(self) -> dict[str, Any]:
        return {"category": self.category, "retryable": self.retryable, "remedy": self.remedy}


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time went, in milliseconds; None for what has not happened."""

    queued_ms: int | None = None
    preparing_ms: int | None = None
    running_ms: int | None = None
    checking_ms: int | None = None
    total_ms: int | None = None

    def as_wire(self) -> dict[str, int | None]:
        return {
            "queuedMs": self.queued_ms,
            "preparingMs": self.preparing_ms,
            "runningMs": self.running_ms,
            "checkingMs": self.checking_ms,
            "totalMs": self.total_ms,
        }

    @staticmethod
    def of(wire: Mapping[str, Any] | None) -> Timing:
        wire = wire or {}
        return Timing(*(wire.get(name) for name in ("queuedMs", "preparingMs", "runningMs", "checkingMs", "totalMs")))


@dataclass(frozen=True, slots=True)
class Changes:
    """The size of a run's patch. `commit` is ours, made on top of the base commit; None: there is no patch."""

    files: int
    insertions: int
    deletions: int
    commit: str | None
    paths: tuple[str, ...] = ()  # the first 100

    def as_wire(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "insertions": self.insertions,
            "deletions": self.deletions,
            "commit": self.commit,
            "paths": list(self.paths),
        }

    @staticmethod
    def of(wire: Mapping[str, Any] | None) -> Changes | None:
        if not wire:
            return None
        return Changes(
            wire["files"], wire["insertions"], wire["deletions"], wire["commit"], tuple(wire.get("paths", ()))
        )


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that is known of a run. Times are seconds since 1970, UTC, by the database's clock."""

    id: str
    repo_id: str
    repo_full_name: str
    status: Status
    harness: str
    prompt: str
    base_branch: str
    working_branch: str
    create_branch: bool
    created_at: float
    updated_at: float
    key_owner: str
    api_key_id: str
    idempotency_key: str
    request_hash: str
    timeout_seconds: float
    delivery: Delivery = Delivery.BRANCH
    root_directory: str = ""
    model: str | None = None
    mode: str | None = None
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    deliver_partial: bool = False  # push what was done even when it is no success, marked as partial
    resume: bool = False  # goes on from the work, and where possible the conversation, of the run it retries
    check_policy: CheckPolicy = CheckPolicy.STRICT
    protect_tests: bool | None = None  # True: the base's tests decide; False: the patch's; None: both
    budget: Budget = Budget()
    output_schema: Mapping[str, Any] | None = None
    priority: int = 0
    needs: tuple[str, ...] = ()  # labels that a worker must have to take it
    commit: str | None = None  # asked for by the caller
    base_commit: str | None = None  # what the attempt really started from
    conversation_id: str | None = None
    workspace_session_id: str | None = None
    contest: Contest | None = None  # best of several: its work is done by contenders
    contender_of: str | None = None  # the run that it is a contender of
    contender: int | None = None  # which one, from 1
    retry_of: str | None = None
    retried_by: str | None = None
    record: bool = False  # its model traffic is kept, to be replayed
    replay_of: str | None = None  # a run whose recorded answers take the model's place
    notify_url: str | None = None  # who is told of the ending, once
    notify_webhook: str | None = None  # whose secret signs that
    attempt: int = 0
    worker_id: str | None = None
    ready_at: float | None = None  # since when it waits for a slot; None: not yet, as its contenders are at work
    seat: str | None = None  # the worker of whose slots it takes one, from the hand-over to the end of the attempt
    hand_overs: int = 0  # how often it was given to a worker
    sandbox_record_id: str | None = None
    cancel_requested_at: float | None = None
    cancel_requested_by: str | None = None
    superseded_by: str | None = None
    started_at: float | None = None
    finished_at: float | None = None
    outcome: Outcome | None = None
    verdict: Verdict | None = None
    baseline: Verdict | None = None
    tests_touched: tuple[str, ...] = ()
    error: str | None = None
    failure: Failure | None = None
    usage: Usage = Usage()
    cost_usd: float | None = None
    cost_known: bool = True
    changes: Changes | None = None
    pull_request_url: str | None = None
    partial: bool = False  # what was pushed is marked as partial work
    session: str | None = None  # the harness's own name of its conversation
    result: Mapping[str, Any] | None = None
    timing: Timing = Timing()
    last_seq: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """The one final record of a run, as the worker (or the reaper, then `synthesized`) writes it."""

    outcome: Outcome
    verdict: Verdict
    error: str | None = None
    failure: Failure | None = None
    baseline: Verdict | None = None
    tests_touched: tuple[str, ...] = ()
    usage: Usage = Usage()  # the tool counts; what model calls used and cost is summed up from their rows
    cost_usd: float | None = None
    cost_known: bool = True
    changes: Changes | None = None
    pull_request_url: str | None = None
    partial: bool = False
    session: str | None = None
    result: Mapping[str, Any] | None = None
    timing: Timing = Timing()
    summary: str = ""
    synthesized: bool = False

    @property
    def status(self) -> Status:
        return self.outcome.status
