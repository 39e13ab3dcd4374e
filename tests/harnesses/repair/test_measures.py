"""What is measured before the search: pure functions, no process."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.harnesses.repair.engine.baseline import RECORDING_FACTOR, RECORDING_SECONDS, Baseline, Outcome, sample
from mogplex.harnesses.repair.engine.goal import Goal, mends_one_cause, worth_having
from mogplex.harnesses.repair.engine.progress import Failure
from mogplex.harnesses.repair.engine.source import Source
from mogplex.harnesses.repair.engine.spectra import rank

OUTCOMES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["passed", "skipped", "failed"]), st.floats(0, 2)), max_size=40
)


def suite_of(rows: list[tuple[str, str, float]]) -> dict[str, Outcome]:
    return {
        f"test_{file}.py::test_{number}": Outcome(outcome, seconds=seconds)
        for number, (file, outcome, seconds) in enumerate(rows)
    }


def price(one: Outcome) -> float:
    return RECORDING_SECONDS + one.seconds * RECORDING_FACTOR


@given(OUTCOMES, st.floats(0.1, 20))
def test_a_sample_has_all_that_fails_keeps_the_order_and_the_bound(
    rows: list[tuple[str, str, float]], seconds: float
) -> None:
    outcomes = suite_of(rows)
    chosen = sample(outcomes, seconds)
    assert chosen == [test for test in outcomes if test in set(chosen)]
    failing = {test for test, one in outcomes.items() if one.outcome == "failed"}
    assert failing <= set(chosen)
    must = sum(price(outcomes[test]) for test in failing)
    assert sum(price(outcomes[test]) for test in chosen) <= max(must, seconds) + 1e-6
    if sum(price(one) for one in outcomes.values()) <= seconds:
        assert chosen == list(outcomes)


@pytest.mark.parametrize(
    ("mended", "running", "counts"),
    [
        (["a::1", "a::2"], ["c::1"], ["a::1", "a::2"]),  # a whole file, which is half of what fails
        (["a::1"], [], []),  # not half of what fails
        (["b::1", "a::1"], ["c::1"], []),  # one whole file, but less than half of what fails
        (["b::1", "a::1"], ["b::1", "a::1"], ["b::1", "a::1"]),  # the others never run what is edited
        (["a::1", "a::2", "b::1"], ["c::1"], ["a::1", "a::2", "b::1"]),
        (["a::1", "a::2", "c::1"], ["a::2", "b::1"], ["a::1", "a::2", "c::1"]),  # all but a quarter
    ],
)
def test_a_patch_for_a_part_is_worth_having_if_the_rest_may_have_another_cause(
    mended: list[str], running: list[str], counts: list[str]
) -> None:
    assert worth_having(Goal(["a::1", "a::2", "b::1", "c::1"], Baseline({})), mended, running) == counts


def test_tests_that_break_off_at_one_place_count_as_one_failure() -> None:
    same = Outcome("failed", "ImportError", frames=[("/r/a.py", 3)])
    outcomes = {f"a::{number}": same for number in range(9)}
    goal = Goal([*outcomes, "b::1"], Baseline({**outcomes, "b::1": Outcome("failed", "E", frames=[("/r/b.py", 9)])}))
    assert worth_having(goal, ["b::1"], ["b::1"]) == ["b::1"]
    assert worth_having(goal, ["a::1"], ["b::1"]) == [], "the others break off there as before"


def test_a_patch_mends_one_cause_if_all_others_fail_for_another() -> None:
    def failed(kind: str, line: int = 1) -> Failure:
        return Failure(kind, f"{kind} at {line}", line, None)

    before = {"a": failed("TypeError"), "b": failed("TypeError"), "c": failed("ValueError")}
    goal = Goal(list(before), Baseline({test: Outcome("failed", failure=one) for test, one in before.items()}))
    assert mends_one_cause(goal, ["a", "b"], {})
    assert not mends_one_cause(goal, ["a"], {}), "b fails of the same exception, as far as is known"
    assert not mends_one_cause(goal, ["a"], {"b": failed("TypeError", 9)})
    assert not mends_one_cause(goal, ["a"], {"b": failed("KeyError", 1)}), "no further than before"
    assert mends_one_cause(goal, ["a"], {"b": failed("KeyError", 9)}), "it gets further, and fails of something else"
    unknown = replace(goal, baseline=Baseline({**goal.baseline.outcomes, "c": Outcome("crashed")}))
    assert not mends_one_cause(unknown, ["a", "b"], {})


def test_few_that_fail_just_as_before_have_another_cause() -> None:
    before = {name: Failure("AssertionError", f"{name} is wrong", 3, None) for name in "abc"}
    goal = Goal(list("abc"), Baseline({name: Outcome("failed", failure=one) for name, one in before.items()}))
    assert mends_one_cause(goal, ["a", "b"], {"c": before["c"]})
    assert not mends_one_cause(goal, ["a"], {"b": before["b"], "c": before["c"]}), "most are left"
    other = Failure("AssertionError", "c is otherwise wrong", 3, None)
    assert not mends_one_cause(goal, ["a", "b"], {"c": other}), "it changes what it does not mend"


def test_what_developers_use_is_less_likely_to_be_at_fault() -> None:
    sources = {f"/r/{name}": Source(name, b"x = 1\n") for name in ("tools/check.py", "app/main.py")}
    suspects = rank({path: {1: 1.0} for path in sources}, sources)
    assert [one.path for one in suspects] == ["app/main.py", "tools/check.py"]
    assert suspects[1].score < suspects[0].score / 2


def test_half_of_a_sample_are_neighbours_of_what_fails() -> None:
    rows = [("a", "failed", 0.0), *[("a", "passed", 0.1)] * 50, *[("b", "passed", 0.1)] * 500]
    chosen = sample(suite_of(rows), 40 * (RECORDING_SECONDS + 0.1 * RECORDING_FACTOR))
    near = sum(test.startswith("test_a") for test in chosen)
    assert len(chosen) - near >= 15 <= near
