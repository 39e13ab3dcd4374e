"""Which contender wins, whether another has to begin, and what each may spend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mogplex.domain.budget import Budget
from mogplex.domain.contest import Contest, ContestMode, share_of
from mogplex.domain.contest_choice import budget_of_next, choose, needs_next
from mogplex.domain.run import Changes, Outcome, Run, Status, Verdict
from mogplex.domain.usage import Usage
from tests.domain.test_view import RUN

GOOD = replace(
    RUN,
    status=Status.SUCCESS,
    outcome=Outcome.COMPLETED,
    verdict=Verdict.VERIFIED,
    changes=Changes(1, 5, 5, "c"),
    cost_usd=1.0,
    cost_known=True,
)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (GOOD, replace(GOOD, status=Status.FAILED, outcome=Outcome.DELIVERY_FAILED)),
        (GOOD, replace(GOOD, verdict=Verdict.NOT_RUN, changes=Changes(1, 1, 0, "c"))),
        (GOOD, replace(GOOD, changes=None)),
        (replace(GOOD, changes=Changes(9, 1, 1, "c"), cost_usd=9.0), GOOD),
        (replace(GOOD, cost_usd=0.5), GOOD),
        (GOOD, replace(GOOD, cost_usd=None, cost_known=False)),
        (
            replace(GOOD, status=Status.FAILED, verdict=Verdict.INCONCLUSIVE),
            replace(GOOD, status=Status.FAILED, verdict=Verdict.FAILED),
        ),
    ],
)
def test_verdict_then_size_then_cost(better: Run, worse: Run) -> None:
    better, worse = replace(better, id="better"), replace(worse, id="worse")
    assert choose([better, worse]).id == choose([worse, better]).id == "better"


def test_the_first_of_equals() -> None:
    assert choose([replace(GOOD, id="one"), replace(GOOD, id="two")]).id == "one"


def test_in_order_the_next_begins_only_when_none_was_verified() -> None:
    contest = Contest(ContestMode.IN_ORDER, ("a", "b"), ("run_1",))
    assert not needs_next(contest, [GOOD])
    assert needs_next(contest, [replace(GOOD, verdict=Verdict.NOT_RUN)])
    assert not needs_next(contest.with_contender("run_2"), [replace(GOOD, status=Status.FAILED)] * 2)


def test_a_budget_is_shared() -> None:
    assert share_of(Budget(usd=3.0, tokens=100, model_calls=2), 4) == Budget(usd=0.75, tokens=25, model_calls=1)


def test_it_survives_being_stored() -> None:
    contest = Contest(ContestMode.SIDE_BY_SIDE, ("a", "b"), ("run_1", "run_2"), ("run_1",), "run_1")
    assert Contest.of(contest.as_wire()) == contest
    assert Contest.of(None) is None
    assert share_of(Budget(tokens=0), 3) == Budget(tokens=0), "nothing is left, and nothing is no limit"


def test_what_the_first_ones_leave_is_for_those_after_them() -> None:
    whole = Budget(usd=3.0, tokens=900, model_calls=30, tool_calls=30)
    in_order = Contest(ContestMode.IN_ORDER, ("repair", "builtin", "codex"))
    assert budget_of_next(in_order, whole, []) == share_of(whole, 3)
    free = replace(GOOD, cost_usd=0.0, usage=Usage(tool_calls=2))
    assert budget_of_next(in_order, whole, [free]) == Budget(usd=1.5, tokens=450, model_calls=15, tool_calls=14)
    unknown = replace(
        GOOD, cost_usd=None, cost_known=False, budget=Budget(usd=1.5), usage=Usage(100, 100, 50, 50, 70, 20, 40)
    )
    assert budget_of_next(in_order, whole, [free, unknown]) == Budget(usd=1.5, tokens=600, model_calls=10, tool_calls=0)
    beside = Contest(ContestMode.SIDE_BY_SIDE, in_order.harnesses)
    assert budget_of_next(beside, whole, [free]) == share_of(whole, 3)
