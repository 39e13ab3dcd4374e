"""Anything that can't be told is inconclusive, and inconclusive is never a pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.check import Reason
from mogplex.domain.run import CheckPolicy, Verdict
from mogplex.domain.verdict import CheckEnd, TestCounts, calls_pytest, combine, judge

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
    judged = judge(end, baseline)
    assert judged.verdict is verdict
    assert judged.detail


def red(*failures: str, passed: int = 2) -> CheckEnd:
    return CheckEnd(1, tests=TestCounts(passed, len(failures), 0, frozenset(failures)))


@pytest.mark.parametrize(
    ("end", "baseline", "verdict", "reason"),
    [
        (red("a"), red("a"), Verdict.VERIFIED, Reason.NO_WORSE),
        (red("a", passed=3), red("a", "b"), Verdict.VERIFIED, Reason.NO_WORSE),
        (red("b"), red("a"), Verdict.FAILED, Reason.FAILED),
        (red("a"), CheckEnd(0, tests=GREEN), Verdict.FAILED, Reason.FAILED),
        (red("a", passed=1), red("a"), Verdict.INCONCLUSIVE, Reason.FEWER_TESTS),
        (CheckEnd(1), CheckEnd(1), Verdict.INCONCLUSIVE, Reason.COUNTS_MISSING),
        (CheckEnd(1), CheckEnd(0), Verdict.FAILED, Reason.FAILED),
        (CheckEnd(0), CheckEnd(1), Verdict.VERIFIED, Reason.EXIT_CODE),
        (CheckEnd(0), red("a"), Verdict.INCONCLUSIVE, Reason.COUNTS_MISSING),
        (CheckEnd(None, killed_by="memory"), red("a"), Verdict.INCONCLUSIVE, Reason.OUT_OF_MEMORY),
        (red("a"), CheckEnd(None, killed_by="wall_clock"), Verdict.FAILED, Reason.FAILED),
    ],
)
def test_what_was_red_may_stay_red_but_not_become_worse(
    end: CheckEnd, baseline: CheckEnd, verdict: Verdict, reason: Reason
) -> None:
    judged = judge(end, baseline, CheckPolicy.NO_REGRESSION)
    assert (judged.verdict, judged.reason) == (verdict, reason)


def test_every_kind_of_doubt_has_a_reason_of_its_own() -> None:
    doubts = [CheckEnd(None, killed_by=cause) for cause in ("wall_clock", "memory", "disk", "caller")]
    doubts += [CheckEnd(5), CheckEnd(127), CheckEnd(None, sandbox_error="no bwrap"), CheckEnd(0, counts_expected=True)]
    judged = [judge(end) for end in doubts]
    assert {each.verdict for each in judged} == {Verdict.INCONCLUSIVE}
    assert len({each.reason for each in judged}) == len(doubts)


@given(ENDS, st.one_of(st.none(), ENDS))
def test_only_a_clean_exit_with_tests_that_ran_is_verified(end: CheckEnd, baseline: CheckEnd | None) -> None:
    verdict = judge(end, baseline).verdict
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
