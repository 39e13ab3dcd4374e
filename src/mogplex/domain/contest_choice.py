"""Which contender is the best, whether another one has to begin, and what that may use. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from mogplex.domain.budget import Budget
from mogplex.domain.contest import Contest, ContestMode, share_of
from mogplex.domain.run import Run, Status, Verdict

_RANKS = (Verdict.VERIFIED, Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.FAILED)


def needs_next(contest: Contest, ended: Sequence[Run]) -> bool:
    """Whether another contender has to begin, now that all made so far have ended."""
    good = any(run.status is Status.SUCCESS and run.verdict is Verdict.VERIFIED for run in ended)
    return len(contest.contenders) < len(contest.harnesses) and not good


def budget_of_next(contest: Contest, budget: Budget, ended: Sequence[Run]) -> Budget:
    """What the next contender may use of the whole's `budget`. In order, it has a share of all that those before it
    left; side by side, nobody knows yet what the others will leave."""
    if contest.mode is ContestMode.SIDE_BY_SIDE:
        return share_of(budget, len(contest.harnesses))
    usages = [run.usage for run in ended]
    left = Budget(
        usd=None if budget.usd is None else max(budget.usd - sum(_spent_usd(run) for run in ended), 0.0),
        tokens=_left(budget.tokens, sum(usage.tokens for usage in usages)),
        model_calls=_left(budget.model_calls, sum(usage.model_calls for usage in usages)),
        tool_calls=_left(budget.tool_calls, sum(usage.tool_calls for usage in usages)),
    )
    return share_of(left, len(contest.harnesses) - len(ended))


def _spent_usd(run: Run) -> float:
    """A cost that nobody knows counts as all that the run was allowed."""
    known = run.cost_usd if run.cost_known else run.budget.usd
    return known or 0.0


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(limit - used, 0)


def choose(ended: Sequence[Run]) -> Run:
    """The best of some ended runs, at least one: by status and verdict, then by a change at all, the smallest first,
    then by cost (an unknown one last), then by order."""

    def rank(numbered: tuple[int, Run]) -> tuple[float, ...]:
        number, run = numbered
        size = run.changes.insertions + run.changes.deletions if run.changes else 0
        cost = run.cost_usd if run.cost_known and run.cost_usd is not None else float("inf")
        verdict = _RANKS.index(run.verdict or Verdict.NOT_RUN)
        return (run.status is not Status.SUCCESS, verdict, run.changes is None, size, cost, number)

    return min(enumerate(ended), key=rank)[1]
