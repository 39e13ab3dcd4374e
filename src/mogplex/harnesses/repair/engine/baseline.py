"""What the suite says before any edit: outcomes, costs, flaky tests, and the lines each test runs."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .pool import Pool
from .runs import FINE, SLOWDOWN, Outcome, Run, play

MAX_PATIENT = 3  # so many tests that ran out of time are given more of it
PATIENCE = 2.0
MANY = 400  # failing tests that are recorded, at most
MAX_FULL = 60  # failing tests that are run again as pytest runs them
RECORDING_SECONDS, RECORDING_FACTOR = 0.002, 2.0  # what recording the lines of a test costs: so much, and its time
TRACE_CPU_SECONDS = 0.3  # what a test that passes runs after that, it has mostly run before
HANGING_CPU_SECONDS = 0.5  # enough to see which lines a loop runs
START_SECONDS = 0.1  # to start a child and hear of its end
LATER_SHARE = 0.5  # of the time for recording: for what wasn't recorded along with the first run


@dataclass
class Baseline:
    """Tests in the suite's order."""

    outcomes: dict[str, Outcome]
    lines: dict[str, dict[str, list[int]]] = field(default_factory=dict)  # test -> real path -> lines
    flaky: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    pass_seconds: float = 0.0  # what running the whole suite once took

    def failing(self) -> list[str]:
        """Targets: tests that failed each time, the cheapest first."""
        bad = [test for test, one in self.outcomes.items() if one.outcome not in FINE and test not in self.flaky]
        # By wall clock: a test that waits for another program costs little CPU and much time.
        return sorted(bad, key=lambda test: (self.outcomes[test].outcome != "failed", self.outcomes[test].seconds))

    def passing(self) -> list[str]:
        return [test for test, one in self.outcomes.items() if one.outcome == "passed" and test not in self.flaky]

    def seconds_of(self, tests: Iterable[str]) -> float:
        """What they are known to take, those left out that never ended."""
        known = (self.outcomes[test] for test in tests)
        return sum(one.seconds for one in known if one.outcome != "timeout")

    def summary(self) -> str:
        counts: dict[str, int] = {}
        for one in self.outcomes.values():
            counts[one.outcome] = counts.get(one.outcome, 0) + 1
        return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "no tests"


def run_all(pool: Pool, tests: list[str], cpu_seconds: float, full: bool = True) -> dict[str, Outcome]:
    """Play one run: its outcomes. Raises ServerLost when no worker is left to run them."""
    run = Run(tests, cpu_seconds, full)
    play(pool, run)
    return run.outcomes


def measure(pool: Pool, tests: list[str], cpu_seconds: float, record_seconds: float) -> Baseline:
    """Run the suite plain and, at the same time, once more recording lines, as far as that gets in `record_seconds`.

    The second run doubles as the check for flaky tests. Two runs at once may get into each other's way, so failing
    tests (the cheapest MAX_FULL of them) run again without a twin, as pytest runs them, and are targets only if they
    fail then too. Failing tests that weren't recorded, and a sample of the others, are recorded then; all failing ones
    when tests write in the repo, where a test may have found what its twin had just stored, and taken another way.
    """
    plain = Run(tests, cpu_seconds)
    traced = Run(
        tests, cpu_seconds * PATIENCE, record="lines", seconds=record_seconds, trace_cpu_seconds=TRACE_CPU_SECONDS
    )
    started = time.monotonic()
    play(pool, plain, traced)
    pass_seconds = min(time.monotonic() - started, sum(one.seconds for one in plain.outcomes.values()) + START_SECONDS)
    outcomes = plain.outcomes
    slow = [test for test, one in outcomes.items() if one.outcome == "timeout"]
    if len(slow) <= MAX_PATIENT and len(slow) < len(tests):  # slow and hanging tests look alike at first
        outcomes.update({test: traced.outcomes[test] for test in slow if test in traced.outcomes})
        others_fail = any(one.outcome == "failed" for one in outcomes.values())
        left = [test for test in slow if test not in traced.outcomes or (others_fail and _timed_out(traced, test))]
        runs = [Run([test], cpu_seconds * PATIENCE, full=True) for test in left]  # recording lines slows a test down
        play(pool, *runs)
        for run in runs:
            outcomes.update(run.outcomes)
    flaky = set(confirm(pool, outcomes, cpu_seconds))
    lines = record_rest(pool, outcomes, traced, cpu_seconds, record_seconds * LATER_SHARE)
    changed = [
        test for test, one in traced.outcomes.items() if one.outcome not in (outcomes[test].outcome, "timeout")
    ]  # one that ran out of time was slowed down
    flaky |= set(unsteady(pool, [test for test in changed if test not in flaky], outcomes, cpu_seconds))
    ordered = {test: outcomes[test] for test in tests}
    crashed = [test for test, one in ordered.items() if one.outcome == "crashed"]
    return Baseline(ordered, lines, [test for test in tests if test in flaky], crashed, pass_seconds)


def _timed_out(run: Run, test: str) -> bool:
    return run.outcomes[test].outcome == "timeout"


def confirm(pool: Pool, outcomes: dict[str, Outcome], cpu_seconds: float) -> list[str]:
    """Run failing tests again as pytest runs them; those that pass then are returned, of the others `outcomes` gets
    pytest's own account of why and where they failed."""
    bad = [test for test, one in outcomes.items() if one.outcome == "failed"]
    cheap = sorted(bad, key=lambda test: outcomes[test].seconds)[:MAX_FULL]
    again = run_all(pool, [test for test in bad if test in set(cheap)], cpu_seconds * PATIENCE)
    changed = [test for test, one in again.items() if one.outcome in FINE]
    for test, one in again.items():
        if one.outcome == "failed":
            one.frames = one.frames or outcomes[test].frames
            one.seconds, one.cpu_seconds = outcomes[test].seconds, outcomes[test].cpu_seconds
            one.failure = one.failure or outcomes[test].failure
            outcomes[test] = one
    return changed


def unsteady(pool: Pool, changed: list[str], outcomes: dict[str, Outcome], cpu_seconds: float) -> list[str]:
    """Which of the tests that went differently when they were recorded do so without a recorder."""
    for _ in range(2):  # once more before blaming the recorder: three runs that agree are worth more than two
        again = run_all(pool, changed, cpu_seconds, full=False)
        flaky = [test for test in changed if again[test].outcome != outcomes[test].outcome]
        if flaky:
            return flaky
    return []


def record_rest(
    pool: Pool, outcomes: dict[str, Outcome], traced: Run, cpu_seconds: float, seconds: float
) -> dict[str, Any]:
    """The lines of `traced`, and of what it left out: failing tests to their end, and a sample of the others."""
    is_steady = not pool.is_repo_written()
    done = {
        test for test in traced.recorded if outcomes[test].outcome in FINE or (is_steady and test not in traced.cut)
    }
    left = [test for test, one in outcomes.items() if test not in done and one.outcome != "crashed"]
    hanging = [test for test in left if outcomes[test].outcome == "timeout"]
    finite = sample({test: outcomes[test] for test in left if test not in set(hanging)}, seconds)
    failing = [test for test in finite if outcomes[test].outcome not in FINE]
    slowest = max((outcomes[test].seconds for test in finite), default=0.0)
    rest = Run(
        finite, cpu_seconds * PATIENCE * SLOWDOWN, record="lines", trace_cpu_seconds=TRACE_CPU_SECONDS, whole=failing,
        slowest_seconds=slowest,
    )  # fmt: skip
    loops = Run(hanging, HANGING_CPU_SECONDS, record="lines")
    for runs in [(rest, loops)] if is_steady else [(rest,), (loops,)]:
        play(pool, *runs)
    for test, one in rest.outcomes.items():
        traced.outcomes.setdefault(test, one)
    return {**traced.recorded, **rest.recorded, **loops.recorded}


def sample(outcomes: dict[str, Outcome], seconds: float) -> list[str]:
    """The failing tests, and as many of the others as can be recorded in that time; all of them in the suite's order.

    Half of the others are neighbours: tests of a file in which one fails. The rest are spread over the suite.
    """
    price = {test: RECORDING_SECONDS + one.seconds * RECORDING_FACTOR for test, one in outcomes.items()}
    failing = [test for test, one in outcomes.items() if one.outcome not in FINE]
    chosen = set(sorted(failing, key=lambda test: price[test])[:MANY])
    spent = sum(price[test] for test in chosen)
    files = {test.split("::")[0] for test in chosen}
    others = [test for test in outcomes if outcomes[test].outcome in FINE]
    random.Random(0).shuffle(others)  # the same sample each time
    near = [test for test in others if test.split("::")[0] in files]
    for group, until in ((near, spent + (seconds - spent) / 2), (others, seconds)):
        for test in group:
            if test not in chosen and spent + price[test] <= until:
                chosen.add(test)
                spent += price[test]
    return [test for test in outcomes if test in chosen]


def cpu_limits(baseline: Baseline, tests: list[str], factor: float, floor: float) -> list[float]:
    """CPU seconds for each test under a candidate: a few times its own cost, and not less than `floor`.

    The cost of a failing test is unknown (it ended early, or never), so it counts as a costly one of its neighbours.
    """
    fair = sorted(one.cpu_seconds for one in baseline.outcomes.values() if one.outcome == "passed")
    typical = fair[math.floor(len(fair) * 0.9)] if fair else 0.05
    result = []
    for test in tests:
        one = baseline.outcomes.get(test)
        own = one.cpu_seconds if one is not None and one.outcome in ("passed", "failed") else 0.0
        if one is None or one.outcome != "passed":
            own = max(own, typical)
        result.append(floor + own * factor)
    return result
