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


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """One execution of one check. `detail` says why it is not verified; `cached`: an earlier run's baseline.

    `exit_code` is None when the command was killed or never started. Test counts are None when they are not known.
    """

    command: str
    target: CheckTarget
    verdict: Verdict
    exit_code: int | None = None
    output: str = ""
    duration_ms: int = 0
    tests_passed: int | None = None
    tests_failed: int | None = None
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
            "tests": {"passed": self.tests_passed, "failed": self.tests_failed},
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
            detail=wire.get("detail", ""),
            cached=wire.get("cached", False),
            attempt=wire.get("attempt", 0),
        )
