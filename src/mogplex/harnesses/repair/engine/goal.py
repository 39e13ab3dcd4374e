"""What a search is after: the tests that have to pass, and the ones that must go on passing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .baseline import Baseline
from .files import is_test_path

MAX_REPRESENTATIVES = 3
NOT_RAISED = re.compile(r"DID NOT RAISE (?:any of \()?<class '([\w.]+)'>|\b([A-Z]\w+) not raised\b")


@dataclass
class Goal:
    """What has to pass: failing tests, and test files that could not even be imported."""

    failing: list[str]
    baseline: Baseline
    unimportable: list[str] = field(default_factory=list)


def representatives(goal: Goal) -> list[str]:
    """The cheapest failing test of each of the files that hold most of them: they may fail for unlike reasons.

    Empty when none can be run again and again in one process.
    """
    by_file: dict[str, list[str]] = {}
    for test in goal.failing:
        if not is_test_path(test.split("::")[0]):
            continue  # a doctest can't run twice in one process
        by_file.setdefault(test.split("::")[0], []).append(test)
    files = sorted(by_file.values(), key=lambda tests: -len(tests))[:MAX_REPRESENTATIVES]
    return [tests[0] for tests in files]


def wanted_exceptions(goal: Goal) -> list[str]:
    """The exceptions that failing tests wait for in vain, as pytest and unittest put it."""
    messages = [goal.baseline.outcomes[test].message for test in goal.failing if test in goal.baseline.outcomes]
    names = [name for message in messages for match in NOT_RAISED.findall(message) for name in match if name]
    return list(dict.fromkeys(name.rsplit(".", 1)[-1] for name in names))


def whole_files(goal: Goal, mended: list[str]) -> list[str]:
    """The mended tests of those files whose failing tests are all mended; [] when no file is whole."""
    broken = {test.split("::")[0] for test in set(goal.failing) - set(mended)}
    return [test for test in mended if test.split("::")[0] not in broken]


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
