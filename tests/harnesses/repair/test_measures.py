"""What is measured before the search: pure functions, no process."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mogplex.harnesses.repair.engine.baseline import RECORDING_FACTOR, RECORDING_SECONDS, Outcome, sample

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


def test_half_of_a_sample_are_neighbours_of_what_fails() -> None:
    rows = [("a", "failed", 0.0), *[("a", "passed", 0.1)] * 50, *[("b", "passed", 0.1)] * 500]
    chosen = sample(suite_of(rows), 40 * (RECORDING_SECONDS + 0.1 * RECORDING_FACTOR))
    near = sum(test.startswith("test_a") for test in chosen)
    assert len(chosen) - near >= 15 <= near
