"""Believes a patch only after the whole suite has passed with it in a fresh interpreter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .baseline import Baseline
from .goal import Goal
from .pool import Plan, Pool, ServerLost
from .runs import FINE, Run, play

COLLECT_SECONDS = 120.0


@dataclass(frozen=True)
class Verdict:
    """`ok` when all targets pass and no test that passed before fails now; else `reason` says which one."""

    ok: bool
    reason: str
    passed: int
    failed: int


def validate(plan: Plan, path: str, text: str, goal: Goal, cpu_seconds: float, pause: Callable[[], None]) -> Verdict:
    """Run the whole suite in a new process that imports `text` in place of the file `path` (real path).

    The first test that must pass and doesn't ends it.
    """
    fresh = replace(plan, overlay={path: text}, warm=1, cold=0)
    try:
        with Pool(fresh, pause) as pool:
            code = pool.await_collection(COLLECT_SECONDS)
            if code is not None:
                return Verdict(False, f"pytest ended with exit code {code}", 0, 0)
            broken = [error["id"] for error in pool.errors if error["id"] in goal.unimportable]
            if broken:
                return Verdict(False, f"{broken[0]} still can't be imported", 0, 0)
            tests = [one["id"] for one in pool.collected]
            run = Run(tests, cpu_seconds, vital=[test for test in tests if _must_pass(test, goal, goal.baseline)])
            play(pool, run)
            outcomes = run.outcomes
    except ServerLost as error:
        return Verdict(False, str(error), 0, 0)
    targets = set(goal.failing)
    bad = [
        test for test, one in outcomes.items()
        if one.outcome not in FINE or (one.outcome == "skipped" and test in targets)
    ]  # fmt: skip
    spoiled = [test for test in bad if _must_pass(test, goal, goal.baseline)]
    missing = [test for test in [*goal.failing, *goal.baseline.passing()] if test not in outcomes]
    passed = sum(1 for one in outcomes.values() if one.outcome == "passed")
    if spoiled:
        return Verdict(False, f"{spoiled[0]} fails: {outcomes[spoiled[0]].message[:200]}", passed, len(bad))
    if missing:
        return Verdict(False, f"{missing[0]} is not collected any more", passed, len(bad))
    return Verdict(True, "", passed, len(bad))


def _must_pass(test: str, goal: Goal, baseline: Baseline) -> bool:
    """Targets and whatever passed before; a test that is flaky, or failed before and isn't a target, may fail."""
    if test in goal.failing or test.split("::")[0] in goal.unimportable:
        return True
    known = baseline.outcomes.get(test)
    return known is not None and known.outcome in FINE and test not in baseline.flaky
