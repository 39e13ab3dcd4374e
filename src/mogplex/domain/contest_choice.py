"""Which contender is the best, and whether another one has to begin. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from mogplex.domain.contest import Contest
from mogplex.domain.run import Run, Status, Verdict

_RANKS = (Verdict.VERIFIED, Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.FAILED)


def needs_next(contest: Contest, ended: Sequence[Run]) -> bool:
    """Whether another contender has to begin, now that all made so far have ended."""
    good = any(run.status is Status.SUCCESS and run.verdict is Verdict.VERIFIED for run in ended)
    return len(contest.contenders) < len(contest.harnesses) and not good


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
