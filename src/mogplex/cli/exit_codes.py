"""What the process's exit code says. Scripts hold on to these numbers: none is ever reused."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

OK = 0
FAILURE = 1
USAGE = 2
RUN_FAILED = 20
RUN_CHECKS_FAILED = 21
RUN_BUDGET_EXCEEDED = 22
RUN_TIMED_OUT = 23
RUN_CANCELLED = 24
RUN_INTERRUPTED = 25
UNAUTHORIZED = 64
FORBIDDEN = 65
UNAVAILABLE = 69
RATE_LIMITED = 75
STOPPED_WAITING = 124
CTRL_C = 130
BROKEN_PIPE = 141

# code -> (group, meaning): what `mogplex help exit-codes` prints and docs/cli.md repeats
MEANINGS: dict[int, tuple[str, str]] = {
    OK: ("command", "ok; with a run's outcome asked for: the run succeeded"),
    FAILURE: ("command", "failure; also: a plain --follow stopped waiting"),
    USAGE: ("command", "wrong usage: unknown command or flag, missing or wrong value"),
    RUN_FAILED: ("outcome", "the run failed"),
    RUN_CHECKS_FAILED: ("outcome", "the run's checks failed or were inconclusive"),
    RUN_BUDGET_EXCEEDED: ("outcome", "the run's budget was used up"),
    RUN_TIMED_OUT: ("outcome", "the run timed out or stalled"),
    RUN_CANCELLED: ("outcome", "the run was cancelled or superseded"),
    RUN_INTERRUPTED: ("outcome", "the run lost its worker and no attempts were left"),
    UNAUTHORIZED: ("command", "unauthorized: no API key, or one that is wrong, expired or revoked"),
    FORBIDDEN: ("command", "forbidden: the API key lacks the scope or the repo"),
    UNAVAILABLE: ("command", "unavailable: the server can't be reached or can't serve now"),
    RATE_LIMITED: ("command", "rate limited: come back later"),
    STOPPED_WAITING: ("outcome", "stopped waiting; the run goes on"),
    CTRL_C: ("command", "interrupted by Ctrl-C"),
    BROKEN_PIPE: ("command", "the reader of stdout went away (as in `| head -1`)"),
}

_OF_ERROR_CODE = {
    "UNAUTHORIZED": UNAUTHORIZED,
    "FORBIDDEN": FORBIDDEN,
    "SERVICE_UNAVAILABLE": UNAVAILABLE,
    "RATE_LIMITED": RATE_LIMITED,
}

_OF_OUTCOME = {
    "completed": OK,
    "no_changes": OK,
    "checks_failed": RUN_CHECKS_FAILED,
    "budget_exceeded": RUN_BUDGET_EXCEEDED,
    "timed_out": RUN_TIMED_OUT,
    "stalled": RUN_TIMED_OUT,
    "cancelled_by_caller": RUN_CANCELLED,
    "superseded": RUN_CANCELLED,
    "interrupted": RUN_INTERRUPTED,
}
_OF_STATUS = {"success": OK, "cancelled": RUN_CANCELLED}


def of_error(code: str) -> int:
    """The exit code for one of the API's error codes."""
    return _OF_ERROR_CODE.get(code, FAILURE)


def of_run(run: Mapping[str, Any]) -> int:
    """The exit code for a terminal run. Its status decides between 0 and not 0, its outcome only which."""
    status = run.get("status")
    if status in _OF_STATUS:
        return _OF_STATUS[str(status)]
    return _OF_OUTCOME.get(str(run.get("outcome")), RUN_FAILED) or RUN_FAILED
