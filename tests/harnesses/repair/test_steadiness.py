"""Failing tests: those that fail another way each time, in which order they run, and which lines they blame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.harnesses.repair.engine.baseline import Baseline
from mogplex.harnesses.repair.engine.goal import Goal, telling_first
from mogplex.harnesses.repair.engine.pool import Plan, Pool
from mogplex.harnesses.repair.engine.progress import Failure
from mogplex.harnesses.repair.engine.runs import Outcome
from mogplex.harnesses.repair.engine.screening import Screening
from mogplex.harnesses.repair.engine.source import Source
from mogplex.harnesses.repair.engine.spectra import line_scores
from mogplex.harnesses.repair.engine.steadiness import RANDOM, UNSTEADY, is_unsteady, judge, unsteady

TESTS = {
    "leaves": "LEFT = []\ndef test_one():\n    LEFT.append(1)\n    assert len(LEFT) == 0, LEFT\n",
    "random": "import os\ndef test_one():\n    assert os.urandom(8) == b''\n",
    "temporary": "def test_one(tmp_path):\n    (tmp_path / 'missing').read_text()\n",
    "made": "import tempfile\ndef test_one():\n    open(tempfile.mkdtemp() + '/missing')\n",
    "steady": "def test_one():\n    assert 1 == 2\n",
}


def told_by_processes(root: Path, text: str) -> list[Any]:
    """What each of two processes tells of the only test of a file, without any edit."""
    (root / "test_it.py").write_text(text)
    test = "test_it.py::test_one"
    request = {
        "tests": [test],
        "cpu_seconds": [5.0],
        "quiet_seconds": 20.0,
        "batch": [{"path": str(root / "test_it.py")}],
        "under": None,
        "failures": {},
        "nameless": {},
    }
    told: list[Any] = []
    plan = Plan(root, [], [], warm=1, environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    with Pool(plan) as pool:
        assert pool.await_collection(60.0) is None, pool.stderr_tail()
        for _ in range(2):
            worker = pool.idle(cold=False)
            assert worker is not None
            pool.submit(worker, request, hear=lambda worker, record: told.append(record.get("failures")))
            while worker.is_busy:
                pool.poll(0.5)
    return [one[test] for one in told if one]


@pytest.mark.parametrize(("name", "verdict"), [("leaves", UNSTEADY), ("random", RANDOM)])
def test_what_fails_another_way_each_time_is_told_from_what_leaves_something_behind(
    tmp_path: Path, name: str, verdict: str
) -> None:
    earlier, later = told_by_processes(tmp_path, TESTS[name])
    assert is_unsteady(earlier)
    assert judge(earlier, later) == verdict


@pytest.mark.parametrize("name", ["steady", "temporary", "made"])
def test_what_fails_alike_is_steady(tmp_path: Path, name: str) -> None:
    earlier, later = told_by_processes(tmp_path, TESTS[name])
    assert earlier == later and not is_unsteady(earlier)


def test_a_second_process_is_asked_before_a_test_is_judged() -> None:
    test = "test_it.py::test_one"
    screening = Screening(Goal([test], Baseline({test: Outcome("failed", "", 0.0, 0.0)})), {})
    told = [unsteady(["E", f"0.{number}", 3, None], ["E", f"1.{number}", 3, None]) for number in range(2)]

    def known() -> dict[str, Any]:
        failures: dict[str, Any] = screening.request((test,), [], None, 1.0)["failures"]
        return failures

    screening.learn({test: told[0]})
    assert known() == {}
    screening.learn({test: told[1]})
    assert known() == {test: RANDOM}
    screening.learn({test: told[0]})  # of a process that was asked before that was known
    assert known() == {test: RANDOM}


def test_what_is_unsteady_in_one_process_only_is_random() -> None:
    test = "test_it.py::test_one"
    screening = Screening(Goal([test], Baseline({test: Outcome("failed", "", 0.0, 0.0)})), {})
    screening.learn({test: unsteady(["E", "1", 3, None], ["E", "2", 3, None])})
    screening.learn({test: ["E", "2", 3, None]})
    assert screening.request((test,), [], None, 1.0)["failures"] == {test: RANDOM}


PLACES = st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=30)


@given(PLACES)
def test_failing_tests_keep_being_all_and_those_that_end_come_first(places: list[tuple[str, bool]]) -> None:
    outcomes = {
        f"t{number}": Outcome("failed" if ends else "timeout", "", 0.0, 0.0, [(place, 1)])
        for number, (place, ends) in enumerate(places)
    }
    ordered = telling_first(list(outcomes), Baseline(outcomes))
    assert sorted(ordered) == sorted(outcomes)
    ends = [outcomes[test].outcome == "failed" for test in ordered]
    assert ends == sorted(ends, reverse=True)


def test_what_breaks_off_most_often_is_tried_before_the_odd_one() -> None:
    places = {"odd": "x.py", "a": "y.py", "b": "y.py", "c": "y.py", "odd too": "z.py"}
    outcomes = {test: Outcome("failed", "", 0.0, 0.0, [(place, 1)]) for test, place in places.items()}
    assert telling_first(list(outcomes), Baseline(outcomes)) == ["a", "b", "c", "odd", "odd too"]


def test_a_test_that_runs_little_says_more_of_each_line_than_one_that_runs_all() -> None:
    """Both fail at the same fault: what only the long one runs is less suspicious than what the short one runs."""
    long, short, fine = (f"test_{name}.py::test" for name in ("long", "short", "fine"))
    outcomes = {test: Outcome("passed" if test == fine else "failed", "", 0.0, 0.0) for test in (long, short, fine)}
    lines = {long: {"p.py": [*range(1, 200)]}, short: {"p.py": [5, 6]}, fine: {"p.py": [*range(5, 150)]}}
    scores = line_scores(Baseline(outcomes, lines), [long, short])["p.py"]
    assert scores[5] == max(scores.values())
    assert scores[5] > scores[180] > 0, "what no passing test runs was the most suspicious when each test said as much"


def test_a_failing_test_that_runs_nothing_of_the_repo_says_nothing() -> None:
    outcomes = {test: Outcome("failed", "", 0.0, 0.0) for test in ("t.py::a", "t.py::b")}
    lines = {"t.py::a": {"p.py": [*range(1, 200)]}, "t.py::b": {}}
    assert line_scores(Baseline(outcomes, lines), ["t.py::a", "t.py::b"])["p.py"][7] == 1.0


def test_tests_of_two_files_that_fail_at_the_same_line_break_off_at_two_places() -> None:
    found, crash = Failure("AssertionError", "no", 12, None), Failure("KeyError", "k", 12, ("/p.py", 3, 4))
    assert found.spot("a.py::test") != found.spot("b.py::test") and found.spot("a.py::one") == found.spot("a.py::two")
    assert crash.spot("a.py::test") == crash.spot("b.py::test")


def test_workers_are_told_which_names_have_no_value_in_the_files_that_failing_tests_run() -> None:
    run, other = (Source(path, b"def f(a):\n    return [t for t in a], t\n") for path in ("run.py", "other.py"))
    outcomes = {"test": Outcome("failed", "", 0.0, 0.0)}
    goal = Goal(["test"], Baseline(outcomes, {"test": {"/run.py": [2]}}))
    screening = Screening(goal, {"/run.py": run, "/other.py": other})
    assert screening.request(("test",), [], None, 1.0)["nameless"] == {"/run.py": ["t"]}
    assert screening.request(("test",), [], {"text": ""}, 1.0)["nameless"] == {}, "steps count without an edit only"
    assert not screening.is_blind
    assert Screening(goal, {"/other.py": other}).is_blind
