"""What one check said: a command of the repo's owner, run on the base or on the patch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mogplex.domain.run import Verdict


class CheckTarget(StrEnum):
    """Which tree a check ran on."""

    BASE = "base"
    PATCH = "patch"
    GUARD = "base_tests"  # the patch, with tests and what steers them as the base has them


class Reason(StrEnum):
    """Why a check has its verdict, for programs. Each kind of doubt has a reason of its own."""

    TESTS = "tests_passed"  # verified: the tests were counted
    EXIT_CODE = "exit_code"  # verified by the exit code alone: the tool told no counts
    NO_WORSE = "no_worse"  # verified under no-regression: red before, and no test fails that passed
    FAILED = "failed"
    NO_TESTS = "no_tests"
    FEWER_TESTS = "fewer_tests"  # than on the base
    COUNTS_MISSING = "counts_missing"  # it should have said which tests ran, and did not
    CANNOT_START = "cannot_start"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_DISK = "out_of_disk"
    STOPPED = "stopped"
    TESTS_CHANGED = "tests_changed"  # it passes only with the tests as the run changed them
    SANDBOX = "sandbox"  # its sandbox could not be made


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """One execution of one check. `reason` and `detail` say why it has its verdict; `cached`: from an earlier run.

    `exit_code` is None when the command was killed or never started. Test counts are None when they are not known;
    `failures` are the names of the failed tests, None when not known or too many.
    """

    command: str
    target: CheckTarget
    verdict: Verdict
    exit_code: int | None = None
    output: str = ""
    duration_ms: int = 0
    tests_passed: int | None = None
    tests_failed: int | None = None
    tests_skipped: int | None = None
    failures: tuple[str, ...] | None = None
    reason: Reason | None = None
    detail: str = ""
    cached: bool = False
    attempt: int = 0
    created_at: float | None = None

    def as_wire(self) -> dict[str, Any]:
        return {
            "command": self.command,
            "target": self.target,
            "verdict": self.verdict,
            "exitCode": self.exit_code,
            "output": self.output,
            "durationMs": self.duration_ms,
            "tests": {"passed": self.tests_passed, "failed": self.tests_failed, "skipped": self.tests_skipped},
            "failures": None if self.failures is None else list(self.failures),
            "reason": self.reason,
            "detail": self.detail,
            "cached": self.cached,
            "attempt": self.attempt,
        }

    @staticmethod
    def of(wire: Mapping[str, Any]) -> CheckRecord:
        tests = wire.get("tests") or {}
        return CheckRecord(
            command=wire["command"],
            target=CheckTarget(wire["target"]),
            verdict=Verdict(wire["verdict"]),
            exit_code=wire.get("exitCode"),
            output=wire.get("output", ""),
            duration_ms=wire.get("durationMs", 0),
            tests_passed=tests.get("passed"),
            tests_failed=tests.get("failed"),
            tests_skipped=tests.get("skipped"),
            failures=None if wire.get("failures") is None else tuple(wire["failures"]),
            reason=Reason(wire["reason"]) if wire.get("reason") else None,
            detail=wire.get("detail", ""),
            cached=wire.get("cached", False),
            attempt=wire.get("attempt", 0),
        )
