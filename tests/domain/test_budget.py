from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.budget import Budget

AMOUNTS = st.one_of(st.none(), st.integers(1, 10**9))
BUDGETS = st.builds(
    Budget, usd=st.one_of(st.none(), st.floats(0.01, 1e6)), tokens=AMOUNTS, model_calls=AMOUNTS, tool_calls=AMOUNTS
)


@given(BUDGETS)
def test_the_wire_form_reads_back(budget: Budget) -> None:
    assert Budget.of(budget.as_wire()) == budget
    assert None not in budget.as_wire().values()


def test_both_cases_are_read_and_unknown_names_ignored() -> None:
    assert Budget.of({"model_calls": 3, "toolCalls": 4, "else": 5}) == Budget(model_calls=3, tool_calls=4)
    assert Budget.of(None) == Budget()


@given(BUDGETS, BUDGETS)
def test_own_limits_win_and_gaps_are_filled(own: Budget, fallback: Budget) -> None:
    merged = own.or_else(fallback)
    for name in ("usd", "tokens", "model_calls", "tool_calls"):
        mine = getattr(own, name)
        assert getattr(merged, name) == (getattr(fallback, name) if mine is None else mine)
    assert own.or_else(Budget()) == own
    assert Budget().or_else(own) == own
