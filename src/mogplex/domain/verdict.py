"""What checks prove: from how each one ended to one verdict. Pure; anything that can't be told is inconclusive."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mogplex.domain.run import Verdict

NO_TESTS_EXIT_CODE = 5  # pytest's own: nothing was collected
CANNOT_START_EXIT_CODES = (126, 127)  # the shell's: not executable, not found

# A call of pytest as the last part of a shell line. One that doesn't run tests (`--version`, `--co`) is none.
_PLAIN_PYTEST = re.compile(
    r"(?:^|&&|;|\n)\s*(?:python[\d.]*\s+-m\s+)?(?:pytest|py\.test)(?!.*\s--(?:version|help|co|collect|fixtures|markers))"
    r"(?:\s[^&;|\n]*)?$"
)

# Files that decide what a check says: tests, their configuration and CI's.
TEST_PATTERNS = (
    "test_*.py",
    "*_test.py",
    "conftest.py",
    "tests.py",
    "pytest.ini",
    "tox.ini",
    "noxfile.py",
    "*.test.js",
    "*.test.ts",
    "*.test.jsx",
    "*.test.tsx",
    "*.spec.js",
    "*.spec.ts",
    "*_test.go",
    "sitecustomize.py",
    "usercustomize.py",
)
TEST_FOLDERS = ("tests", "test", "__tests__", "testing", "spec", ".github", ".gitlab")


@dataclass(frozen=True, slots=True)
class TestCounts:
    """Counts that a test tool wrote down itself (JUnit XML)."""

    __test__ = False  # its name begins with Test, and pytest would collect it

    passed: int
    failed: int
    skipped: int

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


def judge(end: CheckEnd, baseline: CheckEnd | None = None) -> tuple[Verdict, str]:
    """The verdict of one check and the reason in a few words.

    `baseline` is the same check on the base commit: a check that counted its tests there and counts fewer, or none,
    on the patch proves nothing, whatever its exit code (tests were skipped, deselected or their count suppressed).
    """
    if end.sandbox_error is not None:
        return Verdict.INCONCLUSIVE, f"could not run: {end.sandbox_error}"
    if end.killed_by is not None:
        reasons = {"wall_clock": "timed out", "memory": "ran out of memory", "disk": "wrote too much"}
        return Verdict.INCONCLUSIVE, reasons.get(end.killed_by, f"was stopped ({end.killed_by})")
    if end.exit_code in CANNOT_START_EXIT_CODES:
        return Verdict.INCONCLUSIVE, "the command could not be started"
    if end.exit_code == NO_TESTS_EXIT_CODE and (end.tests is None or end.tests.ran == 0):
        return Verdict.INCONCLUSIVE, "no tests ran"
    if end.exit_code != 0:
        failed = f", {end.tests.failed} failed" if end.tests else ""
        return Verdict.FAILED, f"exit code {end.exit_code}{failed}"
    if end.tests is None:
        if baseline is not None and baseline.tests is not None:
            return Verdict.INCONCLUSIVE, "exit code 0, but it no longer says which tests ran"
        if end.counts_expected:
            return Verdict.INCONCLUSIVE, "exit code 0, but pytest ended before it could say which tests ran"
        return Verdict.VERIFIED, "exit code 0 (the tests were not counted)"
    if end.tests.failed:
        return Verdict.FAILED, f"{end.tests.failed} tests failed although the exit code is 0"
    if end.tests.ran == 0:
        return Verdict.INCONCLUSIVE, "no tests ran"
    if baseline is not None and baseline.tests is not None and end.tests.ran < baseline.tests.ran:
        return Verdict.INCONCLUSIVE, f"only {end.tests.ran} tests ran, {baseline.tests.ran} on the base"
    return Verdict.VERIFIED, f"{end.tests.passed} tests passed"


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


def touched_tests(paths: Sequence[str]) -> tuple[str, ...]:
    """Those of `paths` that the checks depend on."""
    return tuple(path for path in paths if is_test_path(path))


def is_test_path(path: str) -> bool:
    *folders, name = path.split("/")
    if any(folder in TEST_FOLDERS for folder in folders):
        return True
    return any(fnmatchcase(name, pattern) for pattern in TEST_PATTERNS)
