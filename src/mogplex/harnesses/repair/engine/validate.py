"""Believes a patch only after the whole suite has passed with it in a fresh interpreter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .goal import Goal
from .ids import stand_in
from .pool import Plan, Pool, ServerLost
from .replica import is_small, replicated
from .runs import FINE, Outcome, Run, play

COLLECT_SECONDS = 120.0


@dataclass(frozen=True)
class Verdict:
    """`ok` when all targets pass and no test that passed before fails now; else `reason` says which one.

    `missed` are far targets (see Goal) that still fail: all else may be well, and the fault of those another one.
    """

    ok: bool
    reason: str
    passed: int
    failed: int
    missed: tuple[str, ...] = ()
    spoiled: tuple[str, ...] = ()


def validate(
    plan: Plan, path: str, text: str, data: bytes, goal: Goal, cpu_seconds: float, pause: Callable[[], None]
) -> Verdict:
    """Run the whole suite in a new process that imports `text` in place of the file `path` (real path).

    When tests start programs, in a copy of the repo in which the file holds `data`, the text's bytes. Tests that fail
    only because it is a copy don't count.
    """
    starts_programs = {test for test, one in goal.baseline.outcomes.items() if one.spawns}
    if starts_programs and is_small(plan.root):
        with replicated(plan, path, data) as copied:
            verdict = _run(copied, goal, cpu_seconds, pause, starts_programs)
        if verdict.ok or starts_programs & {*verdict.spoiled}:
            return verdict
    return _run(replace(plan, overlay={path: text}), goal, cpu_seconds, pause)


def _run(
    plan: Plan, goal: Goal, cpu_seconds: float, pause: Callable[[], None], decisive: set[str] | None = None
) -> Verdict:
    """The first test that must pass and doesn't ends the run; only one of `decisive`, if they are given."""
    try:
        with Pool(replace(plan, warm=1, cold=0), pause) as pool:
            code = pool.await_collection(COLLECT_SECONDS)
            if code is not None:
                return Verdict(False, f"pytest ended with exit code {code}", 0, 0)
            broken = [error["id"] for error in pool.errors if error["id"] in goal.unimportable]
            if broken:
                return Verdict(False, f"{broken[0]} still can't be imported", 0, 0)
            tests = [one["id"] for one in pool.collected]
            known = Run([test for test in goal.mended if test in set(tests)], cpu_seconds)
            play(pool, known)  # what other patches have spoiled this one may spoil, too: then the rest needn't run
            if any(one.outcome not in FINE for one in known.outcomes.values()):
                return _judged(known.outcomes, replace(goal, failing=[], far=[]))
            outcomes = _play_all(pool, tests, goal, cpu_seconds, decisive).outcomes
    except ServerLost as error:
        return Verdict(False, str(error), 0, 0)
    return _judged(outcomes, goal)


def _play_all(pool: Pool, tests: list[str], goal: Goal, cpu_seconds: float, decisive: set[str] | None) -> Run:
    """All tests up to one that must pass and doesn't. If that one passed before and does so now by itself, it may be
    flaky: then all run once more, and if it passes it is noted as such."""
    vital = [test for test in decisive or tests if _must_pass(test, goal)]
    first = Run(tests, cpu_seconds, vital=vital)
    play(pool, first)
    bad = [test for test in vital if test in first.outcomes and first.outcomes[test].outcome not in FINE]
    if not bad or not set(bad) <= set(goal.baseline.passing()):
        return first
    alone = Run(bad, cpu_seconds)
    play(pool, alone)
    if any(one.outcome not in FINE for one in alone.outcomes.values()):
        return first
    second = Run(tests, cpu_seconds, vital=vital)
    play(pool, second)
    goal.baseline.flaky += [test for test in bad if (one := second.outcomes.get(test)) and one.outcome in FINE]
    return second


def _judged(outcomes: dict[str, Outcome], goal: Goal) -> Verdict:
    outcomes = with_old_ids(outcomes, goal)
    failing = set(goal.failing)
    mended = [test for test, one in outcomes.items() if one.outcome == "passed" and test in failing]
    skipped = {test for test, one in outcomes.items() if one.outcome == "skipped"}
    dodged = skipped & set(goal.far)
    if len(skipped & failing) > len(mended):  # as a worker judges it, see suite.py
        dodged |= skipped & failing
    bad = [test for test, one in outcomes.items() if one.outcome not in FINE or test in dodged]
    spoiled = [test for test in bad if _must_pass(test, goal)]
    passed = sum(1 for one in outcomes.values() if one.outcome == "passed")
    if spoiled:
        reason = f"{spoiled[0]} fails: {outcomes[spoiled[0]].message[:200]}"
        return Verdict(False, reason, passed, len(bad), spoiled=tuple(spoiled))
    missing = [test for test in [*goal.failing, *goal.baseline.passing()] if test not in outcomes]
    if missing:
        return Verdict(False, f"{missing[0]} is not collected any more", passed, len(bad))
    missed = [test for test in goal.far if test in bad or test not in outcomes]
    return Verdict(True, "", passed, len(bad), tuple(missed))


def with_old_ids(outcomes: dict[str, Outcome], goal: Goal) -> dict[str, Outcome]:
    """Those of tests that have other ids now (the time of day may be a part of one) are under the old ones, too."""
    found, taken, names = dict(outcomes), set(goal.baseline.outcomes), {name: name for name in outcomes}
    for test in goal.baseline.outcomes:
        if test not in outcomes and (now := stand_in(test, taken, names)) is not None:
            taken.add(now)
            found[test] = outcomes[now]
    return found


def _must_pass(test: str, goal: Goal) -> bool:
    """Targets and whatever passed before; a test that is flaky, or failed before and isn't a target, may fail."""
    if test in goal.far:
        return False
    if test in goal.failing or test.split("::")[0] in goal.unimportable:
        return True
    known = goal.baseline.outcomes.get(test)
    return known is not None and known.outcome in FINE and test not in goal.baseline.flaky
