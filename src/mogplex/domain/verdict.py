"""What checks prove: from how each one ended to one verdict. Pure; anything that can't be told is inconclusive."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mogplex.domain.check import Reason
from mogplex.domain.run import CheckPolicy, Verdict

NO_TESTS_EXIT_CODE = 5  # pytest's own: nothing was collected
CANNOT_START_EXIT_CODES = (126, 127)  # the shell's: not executable, not found

# A call of pytest as the last part of a shell line. One that doesn't run tests (`--version`, `--co`) is none.
_PLAIN_PYTEST = re.compile(
    r"(?:^|&&|;|\n)\s*(?:python[\d.]*\s+-m\s+)?(?:pytest|py\.test)(?!.*\s--(?:version|help|co|collect|fixtures|markers))"
    r"(?:\s[^&;|\n]*)?$"
)


@dataclass(frozen=True, slots=True)
class TestCounts:
    """Counts that a test tool wrote down itself (JUnit XML)."""

    __test__ = False  # its name begins with Test, and pytest would collect it

    passed: int
    failed: int
    skipped: int
    failures: frozenset[str] | None = None  # names of the failed tests; None: not known, or too many to keep

    @property
    def ran(self) -> int:
        return self.passed + self.failed

    def as_wire(self) -> dict[str, int]:
        return {"passed": self.passed, "failed": self.failed, "skipped": self.skipped}


@dataclass(frozen=True, slots=True)
class CheckEnd:
    """How one check command ended. `killed_by` as in SandboxExit; `tests` None: judged by the exit code alone, unless
    `counts_expected`: the command is one that writes its counts down whenever it comes to its own end."""

    exit_code: int | None
    killed_by: str | None = None
    tests: TestCounts | None = None
    sandbox_error: str | None = None
    counts_expected: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one end of a check says: `reason` tells programs why, `detail` people."""

    verdict: Verdict
    reason: Reason
    detail: str


def judge(end: CheckEnd, baseline: CheckEnd | None = None, policy: CheckPolicy = CheckPolicy.STRICT) -> Judgement:
    """`baseline` is the same check on the base commit: a check that counted its tests there and counts fewer, or none,
    on the patch proves nothing, whatever its exit code (tests were skipped, deselected or their count suppressed).

    Under `no-regression` a check that was red on the base may stay red, if no test fails that passed before.
    """
    judged = _judge_alone(end)
    if baseline is None:
        return judged
    if judged.verdict is Verdict.VERIFIED:
        return _compare_counts(end, baseline) or judged
    if policy is CheckPolicy.NO_REGRESSION and judged.verdict is Verdict.FAILED:
        return _compare_failures(end, baseline) or judged
    return judged


def _judge_alone(end: CheckEnd) -> Judgement:
    doubt = _find_doubt(end)
    if doubt is not None:
        return Judgement(Verdict.INCONCLUSIVE, *doubt)
    if end.exit_code != 0:
        failed = f", {end.tests.failed} failed" if end.tests else ""
        return Judgement(Verdict.FAILED, Reason.FAILED, f"exit code {end.exit_code}{failed}")
    if end.tests is None:
        if end.counts_expected:
            detail = "exit code 0, but pytest ended before it could say which tests ran"
            return Judgement(Verdict.INCONCLUSIVE, Reason.COUNTS_MISSING, detail)
        return Judgement(Verdict.VERIFIED, Reason.EXIT_CODE, "exit code 0 (the tests were not counted)")
    if end.tests.failed:
        detail = f"{end.tests.failed} tests failed although the exit code is 0"
        return Judgement(Verdict.FAILED, Reason.FAILED, detail)
    if end.tests.ran == 0:
        return Judgement(Verdict.INCONCLUSIVE, Reason.NO_TESTS, "no tests ran")
    return Judgement(Verdict.VERIFIED, Reason.TESTS, f"{end.tests.passed} tests passed")


def _find_doubt(end: CheckEnd) -> tuple[Reason, str] | None:
    """Why nothing can be told from this end; None when something can."""
    if end.sandbox_error is not None:
        return Reason.SANDBOX, f"could not run: {end.sandbox_error}"
    if end.killed_by is not None:
        known = {
            "wall_clock": (Reason.TIMED_OUT, "timed out"),
            "memory": (Reason.OUT_OF_MEMORY, "ran out of memory"),
            "disk": (Reason.OUT_OF_DISK, "wrote too much"),
        }
        return known.get(end.killed_by, (Reason.STOPPED, f"was stopped ({end.killed_by})"))
    if end.exit_code in CANNOT_START_EXIT_CODES:
        return Reason.CANNOT_START, f"the command could not be started (exit code {end.exit_code})"
    if end.exit_code == NO_TESTS_EXIT_CODE and (end.tests is None or end.tests.ran == 0):
        return Reason.NO_TESTS, "no tests ran"
    return None


def _compare_counts(end: CheckEnd, baseline: CheckEnd) -> Judgement | None:
    """What speaks against a green end; None: nothing."""
    if baseline.tests is None:
        return None
    if end.tests is None:
        detail = "exit code 0, but it no longer says which tests ran"
        return Judgement(Verdict.INCONCLUSIVE, Reason.COUNTS_MISSING, detail)
    if end.tests.ran < baseline.tests.ran:
        detail = f"only {end.tests.ran} tests ran, {baseline.tests.ran} on the base"
        return Judgement(Verdict.INCONCLUSIVE, Reason.FEWER_TESTS, detail)
    return None


def _compare_failures(end: CheckEnd, baseline: CheckEnd) -> Judgement | None:
    """What a red end is worth when red was allowed; None: it was green before, so it failed."""
    before = _judge_alone(baseline)
    if before.verdict is not Verdict.FAILED:
        return None
    if end.tests is None or baseline.tests is None or end.tests.failures is None or baseline.tests.failures is None:
        detail = "red before and after, and it does not say which tests failed"
        return Judgement(Verdict.INCONCLUSIVE, Reason.COUNTS_MISSING, detail)
    worse = end.tests.failures - baseline.tests.failures
    if worse:
        return Judgement(Verdict.FAILED, Reason.FAILED, f"{len(worse)} tests fail that passed on the base")
    if end.tests.ran < baseline.tests.ran:
        return _compare_counts(end, baseline)
    detail = f"red before and no worse after: {end.tests.failed} tests fail, {baseline.tests.failed} on the base"
    return Judgement(Verdict.VERIFIED, Reason.NO_WORSE, detail)


def calls_pytest(command: str) -> bool:
    """Whether `command` ends with a plain call of pytest, which then reports what it ran where we tell it to."""
    return _PLAIN_PYTEST.search(command) is not None and "junit" not in command and "PYTEST_ADDOPTS" not in command


def combine(verdicts: Sequence[Verdict]) -> Verdict:
    """One failure fails; else one doubt leaves doubt; no checks at all are no proof."""
    if not verdicts:
        return Verdict.NOT_RUN
    for worst in (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.NOT_RUN):
        if worst in verdicts:
            return worst
    return Verdict.VERIFIED
