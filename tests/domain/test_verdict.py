"""Anything that can't be told is inconclusive, and inconclusive is never a pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.run import Verdict
from mogplex.domain.verdict import CheckEnd, TestCounts, calls_pytest, combine, is_test_path, judge, touched_tests

GREEN = TestCounts(passed=3, failed=0, skipped=0)
ENDS = st.builds(
    CheckEnd,
    exit_code=st.one_of(st.none(), st.integers(0, 255)),
    killed_by=st.sampled_from([None, "wall_clock", "memory", "disk", "caller", "lost"]),
    tests=st.one_of(st.none(), st.builds(TestCounts, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))),
    sandbox_error=st.one_of(st.none(), st.just("no bwrap")),
)


@pytest.mark.parametrize(
    ("end", "baseline", "verdict"),
    [
        (CheckEnd(0, tests=GREEN), None, Verdict.VERIFIED),
        (CheckEnd(0), None, Verdict.VERIFIED),
        (CheckEnd(0, counts_expected=True), None, Verdict.INCONCLUSIVE),
        (CheckEnd(0, tests=GREEN, counts_expected=True), None, Verdict.VERIFIED),
        (CheckEnd(1, tests=TestCounts(2, 1, 0)), None, Verdict.FAILED),
        (CheckEnd(1), None, Verdict.FAILED),
        (CheckEnd(2), None, Verdict.FAILED),
        (CheckEnd(5), None, Verdict.INCONCLUSIVE),
        (CheckEnd(126), None, Verdict.INCONCLUSIVE),
        (CheckEnd(127), None, Verdict.INCONCLUSIVE),
        (CheckEnd(0, tests=TestCounts(0, 0, 4)), None, Verdict.INCONCLUSIVE),
        (CheckEnd(0, tests=TestCounts(2, 1, 0)), None, Verdict.FAILED),
        (CheckEnd(None, killed_by="wall_clock"), None, Verdict.INCONCLUSIVE),
        (CheckEnd(None, killed_by="memory"), None, Verdict.INCONCLUSIVE),
        (CheckEnd(None, sandbox_error="no bwrap"), None, Verdict.INCONCLUSIVE),
        (CheckEnd(0), CheckEnd(1, tests=GREEN), Verdict.INCONCLUSIVE),
        (CheckEnd(0, tests=TestCounts(2, 0, 1)), CheckEnd(1, tests=GREEN), Verdict.INCONCLUSIVE),
        (CheckEnd(0, tests=TestCounts(4, 0, 0)), CheckEnd(1, tests=GREEN), Verdict.VERIFIED),
        (CheckEnd(0), CheckEnd(1), Verdict.VERIFIED),
    ],
)
def test_judge(end: CheckEnd, baseline: CheckEnd | None, verdict: Verdict) -> None:
    found, reason = judge(end, baseline)
    assert found is verdict
    assert reason


@given(ENDS, st.one_of(st.none(), ENDS))
def test_only_a_clean_exit_with_tests_that_ran_is_verified(end: CheckEnd, baseline: CheckEnd | None) -> None:
    verdict, _ = judge(end, baseline)
    if verdict is Verdict.VERIFIED:
        assert end.exit_code == 0
        assert end.killed_by is None
        assert end.sandbox_error is None
        assert end.tests is None or (end.tests.passed > 0 and end.tests.failed == 0)
        if baseline is not None and baseline.tests is not None:
            assert end.tests is not None
            assert end.tests.ran >= baseline.tests.ran


@given(st.lists(st.sampled_from(list(Verdict)), max_size=6))
def test_the_worst_verdict_decides(verdicts: list[Verdict]) -> None:
    combined = combine(verdicts)
    assert (combined is Verdict.VERIFIED) == (bool(verdicts) and set(verdicts) == {Verdict.VERIFIED})
    assert (combined is Verdict.FAILED) == (Verdict.FAILED in verdicts)


@pytest.mark.parametrize(
    "path",
    ["tests/a.py", "src/pkg/tests/x.txt", "test_a.py", "pkg/a_test.py", "a/b/conftest.py", "pytest.ini"],
)
def test_files_that_checks_depend_on(path: str) -> None:
    assert is_test_path(path)


@pytest.mark.parametrize("path", ["src/app.py", "latest.py", "contest/a.py", "testimony.py", "README.md"])
def test_files_that_they_do_not(path: str) -> None:
    assert not is_test_path(path)


def test_touched_tests_keeps_the_order() -> None:
    assert touched_tests(["b.py", "tests/z.py", "conftest.py"]) == ("tests/z.py", "conftest.py")


@pytest.mark.parametrize(
    "command",
    [
        "pytest",
        "python -m pytest -q",
        "python3.11 -m pytest tests -k 'a or b'",
        "pip list && pytest -x",
        "cd a; py.test",
    ],
)
def test_a_plain_call_of_pytest_will_count(command: str) -> None:
    assert calls_pytest(command)


@pytest.mark.parametrize(
    "command",
    [
        "make test",
        "ruff check .",
        "pytest --version",
        "pytest --co -q",
        "pytest || true",
        "pytest; echo done",
        "pytest --junitxml=mine.xml",
        "PYTEST_ADDOPTS= pytest",
        "grep pytest setup.cfg",
        "./pytest-wrapper",
    ],
)
def test_of_any_other_command_no_count_is_expected(command: str) -> None:
    assert not calls_pytest(command)
