"""What the suite says before any edit: outcomes, costs, flaky tests, and the lines each test runs."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field
from typing import Any

from .pool import Pool, ServerLost

FINE = ("passed", "skipped")
MAX_PATIENT = 3  # so many tests that ran out of time are given more of it
PATIENCE = 2.0
SLOWDOWN = 3.0  # what recording lines may cost
MANY = 400  # tests; a suite of more is run without full reports
RECORDING_SECONDS, RECORDING_FACTOR = 0.002, 2.0  # what recording the lines of a test costs: so much, and its time
HANGING_CPU_SECONDS = 0.5  # enough to see which lines a loop runs


@dataclass
class Outcome:
    """How one test went. `frames` are (real path, line) from the outermost to where it failed."""

    outcome: str
    message: str = ""
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    frames: list[tuple[str, int]] = field(default_factory=list)
    spawns: bool = False  # it starts programs that may run the repo's code


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

    def summary(self) -> str:
        counts: dict[str, int] = {}
        for one in self.outcomes.values():
            counts[one.outcome] = counts.get(one.outcome, 0) + 1
        return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "no tests"


def run_all(
    pool: Pool, tests: list[str], cpu_seconds: float, record: str | None = None, slowest_seconds: float = 0.0,
    full: bool = True,
) -> tuple[dict[str, Outcome], dict[str, Any]]:  # fmt: skip
    """Run tests one after another in one child; a test that kills or hangs the child is noted and the rest goes on.

    `full` makes pytest's own reports, which say why and where a test failed; without them it is several times faster.
    `slowest_seconds` is how long one of them is known to take: a test may be that silent, and several times more.

    Returns the outcomes, and what the recorder saw: for "lines" test -> real path -> lines, for "types" real path ->
    line -> name -> type names. What was recorded in a child that was killed is lost.
    Raises ServerLost when no worker is left to run them.
    """
    outcomes: dict[str, Outcome] = {}
    recorded: dict[str, Any] = {}
    left = list(tests)
    while left:
        request = {
            "tests": left, "cpu_seconds": [cpu_seconds] * len(left), "full": full, "detail": True, "record": record,
            "quiet_seconds": cpu_seconds * 2 + 2 + slowest_seconds * SLOWDOWN,
        }  # fmt: skip
        running = left[0]
        try:
            records = pool.run(request)
        except ServerLost as error:
            raise ServerLost(f"{error} (last seen running: {running})") from error
        for one in records:
            if "start" in one:
                running = one["start"]
            elif "test" in one:
                frames = [(path, line) for path, line in one["frames"]]
                outcomes[one["test"]] = Outcome(
                    one["outcome"],
                    one["message"],
                    one.get("cpu_seconds", 0.0),
                    one["seconds"],
                    frames,
                    one.get("spawns", False),
                )
        last = records[-1]
        if last.get("lost"):
            raise ServerLost(f"the process that runs the tests was killed while {running} ran")
        if not last.get("died"):
            recorded = last.get("record") or {}
            for test in left:
                outcomes.setdefault(test, Outcome("crashed", f"the test ended the run: {last.get('message', '')}"))
            break
        reason = "hung" if last.get("silent") else f"ended the process that ran it (status {last.get('code')})"
        outcomes[running] = Outcome("timeout" if last.get("silent") else "crashed", f"the test {reason}", cpu_seconds)
        left = left[left.index(running) + 1 :]
    return outcomes, recorded


def run_suite(pool: Pool, tests: list[str], cpu_seconds: float) -> dict[str, Outcome]:
    """Run every test once. Of a large suite, only those that don't pass get pytest's full reports."""
    if len(tests) <= MANY:
        return run_all(pool, tests, cpu_seconds)[0]
    outcomes, _ = run_all(pool, tests, cpu_seconds, full=False)
    bad = [test for test in tests if outcomes[test].outcome == "failed"]
    outcomes.update(run_all(pool, bad, cpu_seconds)[0])
    return outcomes


def measure(pool: Pool, tests: list[str], cpu_seconds: float, record_seconds: float) -> Baseline:
    """Run the suite plain, then once more recording lines; tests that differ are run a third time, plain.

    The second run doubles as the check for flaky tests, so tests that failed only under the recorder get a third one.
    When it would take longer than `record_seconds`, it is made of the failing tests and a sample of the others.
    """
    started = time.monotonic()
    outcomes = run_suite(pool, tests, cpu_seconds)
    pass_seconds = time.monotonic() - started
    slow = [test for test, one in outcomes.items() if one.outcome == "timeout"]
    if len(slow) <= MAX_PATIENT and len(slow) < len(tests):  # slow and hanging tests look alike at first
        patient, _ = run_all(pool, slow, cpu_seconds * PATIENCE)
        outcomes.update(patient)
    crashed = [test for test, one in outcomes.items() if one.outcome == "crashed"]
    recordable = [test for test in tests if test not in set(crashed)]
    hanging = [test for test in recordable if outcomes[test].outcome == "timeout"]
    finite = sample({test: outcomes[test] for test in recordable if test not in set(hanging)}, record_seconds)
    slowest = max((outcomes[test].seconds for test in finite), default=0.0)
    # Without reports: what pytest does to explain a failed comparison can take longer than the test, and traced longer.
    again, lines = run_all(pool, finite, cpu_seconds * PATIENCE * SLOWDOWN, "lines", slowest, full=False)
    looping, more_lines = run_all(pool, hanging, HANGING_CPU_SECONDS, record="lines")
    again.update(looping)
    lines.update(more_lines)
    changed = [test for test in recordable if outcomes[test].outcome != again.get(test, outcomes[test]).outcome]
    flaky: list[str] = []
    if changed:
        third, _ = run_all(pool, changed, cpu_seconds)
        flaky = [test for test in changed if third[test].outcome != outcomes[test].outcome]
        if not flaky:  # once more before blaming the recorder: three runs that agree are worth more than two
            fourth, _ = run_all(pool, changed, cpu_seconds)
            flaky = [test for test in changed if fourth[test].outcome != outcomes[test].outcome]
    ordered = {test: outcomes[test] for test in tests if test in outcomes}
    return Baseline(ordered, lines, flaky, crashed, pass_seconds)


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
