"""What a search is after: the tests that have to pass, and the ones that must go on passing."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from .baseline import Baseline
from .files import is_test_path
from .progress import Failure, has_moved_on, without_shift

MAX_REPRESENTATIVES = 3
QUICK_SECONDS, FEW_QUICK_SECONDS = 0.05, 0.25  # reports on a failure included, which can take most of it
SLOW_SHARE = 0.2  # of the limit: a passing test that takes so much tells that others may take more than all of it
FEW_LEFT = 4  # a patch that leaves no more than one of so many failing tests is worth having, if there is no better
DEAR_FACTOR = 5.0  # a test that starts programs, say, would slow every candidate down (and see none of them)


@dataclass
class Suite:
    """What running the tests has shown. `environment`: tests that fail only because a package is not installed; `slow`:
    tests that ran out of time in a suite that has slow ones, so that it can't be told whether anything is wrong."""

    baseline: Baseline
    failing: list[str]  # each time, and for a reason that a patch might mend
    unimportable: list[str]
    environment: list[str]
    slow: list[str] = field(default_factory=list)


@dataclass
class Goal:
    """What has to pass: failing tests, and test files that could not even be imported.

    `far` are failing tests that start programs of the repo: no edit within this process shows in those, so the search
    does without them, and the check at the end runs them on a copy of the repo.
    """

    failing: list[str]
    baseline: Baseline
    unimportable: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)  # by an edit that this search builds on, or spoiled by a patch that
    # was refused: each candidate is tried on them
    far: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)  # no targets, but of several patches one that ends them is better

    @property
    def is_endless(self) -> bool:
        """Whether one of the failing tests seems to go on for ever: then it says little that it does with an edit."""
        outcomes = (self.baseline.outcomes.get(test) for test in self.failing)
        return any(one is not None and one.outcome == "timeout" for one in outcomes)


def aimed(suite: Suite, wanted: list[str], wanted_files: list[str]) -> Goal:
    """The goal of mending those tests and files, or all when there are none; when all of the tests are far, they are
    targets like others."""
    if not wanted and not wanted_files:
        wanted, wanted_files = suite.failing, suite.unimportable
    near = [test for test in wanted if not suite.baseline.outcomes[test].spawns]
    slow = [test for test in suite.slow if test not in wanted]
    far = [test for test in wanted if test not in near] if near else []
    return Goal(telling_first(near or wanted, suite.baseline), suite.baseline, wanted_files, far=far, slow=slow)


def telling_first(failing: list[str], baseline: Baseline) -> list[str]:
    """The order in which failing tests show soonest what an edit mends: some of those that break off at the most
    frequent place, one of each other place, then the rest. Those that never end come last.

    A run of tests ends soon after one that fails, unless it has mended more than that.
    """
    ended = [test for test in failing if baseline.outcomes[test].outcome == "failed"]
    groups: dict[object, list[str]] = {}
    for test in ended:
        frames = baseline.outcomes[test].frames
        groups.setdefault(frames[-1] if frames else test, []).append(test)
    largest = sorted(groups.values(), key=lambda tests: -len(tests))
    first = [test for tests in largest[:1] for test in tests[: len(largest)]]
    others = [tests[0] for tests in largest[1:]]
    rest = [test for tests in largest for test in tests]
    return list(dict.fromkeys([*first, *others, *rest, *failing]))


def too_slow(failing: list[str], baseline: Baseline, limit_seconds: float) -> list[str]:
    """Those that ran out of time, when other tests fail and passing ones take their time, too: in a suite of quick
    tests one that does not end is as good a target as any."""
    hanging = [test for test in failing if baseline.outcomes[test].outcome == "timeout"]
    longest = max((baseline.outcomes[test].cpu_seconds for test in baseline.passing()), default=0.0)
    return hanging if len(hanging) < len(failing) and longest > SLOW_SHARE * limit_seconds else []


def representatives(goal: Goal) -> list[str]:
    """A few cheap failing tests that break off at unlike places: one edit may mend some of them only.

    Empty when none can be run again and again in one process.
    """
    groups: dict[tuple[object, ...], list[str]] = {}
    for test in goal.failing:
        if not is_test_path(test.split("::")[0]):
            continue  # a doctest can't run twice in one process
        frames = goal.baseline.outcomes[test].frames
        groups.setdefault((test.split("::")[0], frames[-1] if frames else None), []).append(test)
    largest = sorted(groups.values(), key=lambda tests: -len(tests))
    chosen = [tests[0] for tests in largest]
    seconds = {test: goal.baseline.outcomes[test].seconds for test in chosen}
    bound = max(QUICK_SECONDS, DEAR_FACTOR * min(seconds.values(), default=0.0))
    chosen = [test for test in chosen if seconds[test] <= bound][:MAX_REPRESENTATIVES]
    if len(goal.failing) <= MAX_REPRESENTATIVES:  # so few that each may show an edit that mends a part
        others = [test for tests in largest for test in tests if test not in chosen]
        chosen += [test for test in others if goal.baseline.outcomes[test].seconds <= FEW_QUICK_SECONDS]
    return chosen


def worth_having(goal: Goal, mended: list[str], running: Container[str]) -> list[str]:
    """The mended tests that an edit counts for which mends not all; `running` are failing tests that run what it edits.

    Tests fail for unlike causes: a file or service is missing, a second fault. An edit is worth having when all failing
    tests that run the edited function are mended, or all but a quarter, or at least all of some files; and in any case
    half of the failures: otherwise it is more likely that the fault is elsewhere, and this edit only silences some.
    """
    left = [test for test in goal.failing if test not in set(mended)]
    if FEW_LEFT * len(left) <= len(goal.failing) or not any(test in running for test in left):
        counted = mended
    else:
        broken = {test.split("::")[0] for test in left}
        counted = [test for test in mended if test.split("::")[0] not in broken]
    failures = failures_of(goal, goal.failing)
    gone = failures - failures_of(goal, [test for test in goal.failing if test not in set(counted)])
    return counted if 2 * len(gone) >= len(failures) else []


def mends_all_there(goal: Goal, mended: list[str], running: Container[str]) -> bool:
    """Whether an edit mends all failing tests that run the function it edits, and the others are known not to. Of many
    tests it has to mend some: else it is more likely that what they have in common is wrong."""
    left = [test for test in goal.failing if test not in set(mended)]
    is_little = FEW_LEFT * len(mended) < len(goal.failing)
    return not is_little and all(test in goal.baseline.lines and test not in running for test in left)


def mends_one_cause(goal: Goal, mended: list[str], after: Mapping[str, Failure], growth: int = 0) -> bool:
    """Whether each test that an edit leaves failing seems to fail for another cause than those that it mends: of
    another exception, or now otherwise than without the edit; or just as without it, if those are few beside the mended
    ones. `after`: how some of them fail with it; `growth`: so many lines it brings in.

    There may be no more of them than mended ones: else the edit only lets them all get a little further.
    """
    before = {test: one.failure for test, one in goal.baseline.outcomes.items()}
    kinds = {_kind(before.get(test)) for test in mended}
    left = [test for test in goal.failing if test not in set(mended)]
    akin = [test for test in left if _kind(before.get(test)) in kinds or before.get(test) is None]
    are_few = 2 * len(left) <= len(mended)
    pairs = [(before.get(test), after.get(test)) for test in akin]
    apart = [
        1
        for old, now in pairs
        if old and now and (has_moved_on(old, now) or (are_few and without_shift(now, old, growth) == old))
    ]
    return None not in kinds and len(apart) == len(akin) and len(apart) <= len(mended)


def _kind(failure: Failure | None) -> str | None:
    return failure.kind if failure is not None else None


def failures_of(goal: Goal, tests: list[str]) -> set[object]:
    """Where tests break off: many that do so at one place count as one failure. A test of which that isn't known counts
    for itself."""
    frames = {test: goal.baseline.outcomes[test].frames for test in tests if test in goal.baseline.outcomes}
    return {frames[test][-1] if frames.get(test) else test for test in tests}


def covering_tests(goal: Goal) -> dict[tuple[str, int], list[str]]:
    """(real path, line) -> passing tests that run it, the cheapest first; line 0 stands for the whole file."""
    covering: dict[tuple[str, int], list[str]] = {}
    for test in goal.baseline.passing():
        for path, lines in goal.baseline.lines.get(test, {}).items():
            for line in [0, *lines]:
                covering.setdefault((path, line), []).append(test)
    for tests in covering.values():
        tests.sort(key=lambda test: goal.baseline.outcomes[test].cpu_seconds)
    return covering
