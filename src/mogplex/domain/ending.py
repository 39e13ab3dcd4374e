"""The outcome table: from what happened in an attempt to the one ending it deserves. Pure, and property-tested.

Rows are tried from the top; the first that holds wins. A cause that was recorded before the harness was stopped
(cancel, time, budget, lost sandbox) is older than anything the harness said afterwards, so causes come first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mogplex.domain.ports import Claim
from mogplex.domain.run import Failure, Outcome, Verdict


class Cause(StrEnum):
    """What ended an attempt from outside, recorded before anything was killed."""

    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    BUDGET = "budget"
    MODEL = "model"
    SANDBOX = "sandbox"
    SETUP = "setup"
    WORKER = "worker"


_OUTCOME_OF = {
    Cause.CANCELLED: Outcome.CANCELLED_BY_CALLER,
    Cause.SUPERSEDED: Outcome.SUPERSEDED,
    Cause.TIMED_OUT: Outcome.TIMED_OUT,
    Cause.STALLED: Outcome.STALLED,
    Cause.BUDGET: Outcome.BUDGET_EXCEEDED,
    Cause.MODEL: Outcome.MODEL_UNAVAILABLE,
    Cause.SANDBOX: Outcome.SANDBOX_FAILED,
    Cause.SETUP: Outcome.SETUP_FAILED,
    Cause.WORKER: Outcome.INTERRUPTED,
}


class Delivered(StrEnum):
    NOT_NEEDED = "not_needed"  # no change, or only the patch was asked for
    DONE = "done"
    FAILED = "failed"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that an ending depends on. `checks_wanted` is whether any check is configured for the run; `lingered`: the
    harness stayed after its last record and was ended by us (or is another run's, of a contest), so it has no exit code
    of its own."""

    cause: Cause | None = None
    claim: Claim | None = None
    exit_code: int | None = None
    lingered: bool = False
    output_valid: bool = True
    checks_wanted: bool = False
    verdict: Verdict = Verdict.NOT_RUN
    changed: bool = False
    delivered: Delivered = Delivered.NOT_TRIED
    detail: str = ""  # the message of the cause, of the delivery error, ...


def conclude(facts: Facts) -> tuple[Outcome, str | None]:
    """The outcome and, unless it is a success, the error line that goes with it."""
    if facts.cause is not None:
        return _OUTCOME_OF[facts.cause], facts.detail or f"The run was ended: {facts.cause.replace('_', ' ')}."
    fault = claim_fault(facts.claim, facts.exit_code, facts.lingered)
    if fault is not None:
        return Outcome.HARNESS_FAILED, fault
    if not facts.output_valid:
        return Outcome.OUTPUT_INVALID, facts.detail or "The structured result does not match outputSchema."
    if facts.checks_wanted and facts.verdict is not Verdict.VERIFIED:
        return Outcome.CHECKS_FAILED, facts.detail or f"The checks say: {facts.verdict.replace('_', ' ')}."
    if not facts.changed and facts.delivered is not Delivered.FAILED:
        return Outcome.NO_CHANGES, None
    if facts.delivered in (Delivered.DONE, Delivered.NOT_NEEDED):
        return Outcome.COMPLETED, None
    return Outcome.DELIVERY_FAILED, facts.detail or "The result could not be delivered."


def claim_fault(claim: Claim | None, exit_code: int | None, lingered: bool = False) -> str | None:
    """Why a harness's own ending does not count as a success; None when it does.

    A success needs all three: it said so, its stream ended whole, and its process left with 0 (or `lingered`). Each
    alone has been seen to lie.
    """
    if claim is None:
        return "The harness never started."
    if claim.success is False:
        return claim.error or claim.summary or "The harness said that it failed."
    if not claim.whole:
        return claim.error or f"The harness stopped before its last record (exit code {exit_code})."
    if claim.success is None:
        return claim.error or f"The harness ended without saying whether it succeeded (exit code {exit_code})."
    if exit_code != 0 and not lingered:
        return f"The harness said that it succeeded but left with exit code {exit_code}."
    return None


_FAILURES: dict[Outcome, Failure] = {
    Outcome.CHECKS_FAILED: Failure("checks", True, "Read what the check printed, then retry."),
    Outcome.HARNESS_FAILED: Failure(
        "harness", True, "Read the run's events and result, then retry or choose another harness."
    ),
    Outcome.MODEL_UNAVAILABLE: Failure("model", True, "Check the provider's key and status (mogplex doctor); retry."),
    Outcome.BUDGET_EXCEEDED: Failure("budget", True, "Retry with a larger budget; the patch made so far is kept."),
    Outcome.TIMED_OUT: Failure("time", True, "Retry with a longer --timeout; the patch made so far is kept."),
    Outcome.STALLED: Failure("time", True, "Retry; if it stalls again, look at the last events."),
    Outcome.SANDBOX_FAILED: Failure("sandbox", True, "Run mogplex doctor; raise the limits if they were hit."),
    Outcome.SETUP_FAILED: Failure("setup", False, "Correct the branch, commit, root directory or setup of the repo."),
    Outcome.DELIVERY_FAILED: Failure("delivery", True, "Fetch the patch, or mend the remote and retry."),
    Outcome.OUTPUT_INVALID: Failure("output", True, "Loosen outputSchema, or say its shape in the prompt."),
    Outcome.INTERRUPTED: Failure("worker", True, "Retry; the worker that ran it was lost."),
}


def failure_of(outcome: Outcome) -> Failure | None:
    """What to tell a program about a failed run; None for the successful and the cancelled."""
    return _FAILURES.get(outcome)
