"""The first, cheap look at candidates: many in one process, on a few failing tests that run the edited function."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .baseline import cpu_limits
from .goal import Goal, representatives
from .limits import CPU_FACTOR
from .nameless import names_never_bound
from .source import AnyFunction, Source
from .steadiness import is_unsteady, judge

MAX_USUAL = 50  # failing tests; sent with every edit that can't be screened
MAX_IMPORTS = 20  # each takes as long as trying hundreds of edits without


class Screening:
    """Chooses the tests for each function, and remembers how they fail without an edit."""

    def __init__(self, goal: Goal, sources: Mapping[str, Source]) -> None:
        """`sources` maps real paths to parsed files."""
        self._goal = goal
        self._sources = sources
        self._few = tuple(representatives(goal))
        told = ((test, goal.baseline.outcomes[test].failure) for test in goal.failing[:MAX_USUAL])
        self.usual = {test: one.record() for test, one in told if one is not None}  # how tests fail without an edit
        self._chosen: dict[tuple[str, ast.AST], tuple[str, ...]] = {}
        self._runs: dict[tuple[str, ast.AST], set[str]] = {}
        self._failures: dict[str, Any] = {}
        self._unsteady: dict[str, dict[str, Any]] = {}  # as one process found them
        self._imports_left = MAX_IMPORTS

    @functools.cached_property
    def is_blind(self) -> bool:
        """Whether the failing tests are known to run no line of the files: what is wrong was done when they were
        imported."""
        lines, failing = self._goal.baseline.lines, self._goal.failing
        return bool(failing) and all(
            test in lines and not self._sources.keys() & lines[test].keys() for test in failing
        )

    def tests_for(self, path: str, function: AnyFunction | None) -> tuple[str, ...]:
        """For edits of a function of the file `path` (real path); () when no failing test can be run repeatedly.

        When none is known to run it, or the edit is in no function: the usual few.
        """
        if function is None or not self._few:
            return self._few
        place = (path, function)
        if place not in self._chosen:
            running = self.running(path, function)
            some = [test for test in self._few if test in running]
            own = [test for test in self._goal.failing if test in running]
            self._chosen[place] = tuple(some or representatives(replace(self._goal, failing=own))) or self._few
        return self._chosen[place]

    def running(self, path: str, function: AnyFunction | None) -> set[str]:
        """The failing tests that run lines of a function's body, as far as they were recorded, or died calling it; all
        when it is none."""
        if function is None:
            return set(self._goal.failing)
        place = (path, function)
        if place not in self._runs:
            body = range(function.body[0].lineno, (function.end_lineno or function.lineno) + 1)
            lines = self._goal.baseline.lines
            self._runs[place] = {
                test for test in self._goal.failing
                if any(line in body for line in lines.get(test, {}).get(path, ())) or self._died_calling(test, function)
            }  # fmt: skip
        return self._runs[place]

    def _died_calling(self, test: str, function: AnyFunction) -> bool:
        """Whether Python could not even call the function as the test does."""
        outcome = self._goal.baseline.outcomes.get(test)
        return outcome is not None and "TypeError" in outcome.message and f"{function.name}()" in outcome.message

    def may_need_import(self, path: str, function: AnyFunction | None, mended: list[str], bad: list[str]) -> bool:
        """Whether an edit deserves an import that mends those tests, and not the bad ones: they are no fewer, or others
        fail that don't run the edited function, and may have run it when they were imported. Only a few edits do."""
        is_half = len(mended) >= len(bad)
        running = self.running(path, function) if function else set()
        others = set(self._goal.failing) - {*mended, *running}
        if self._imports_left and (is_half or others):
            self._imports_left -= 1
            return True
        return False

    @functools.cached_property
    def _nameless(self) -> dict[str, list[str]]:
        """Names without a value in the files that failing tests run: it is no edit that has left them so."""
        lines = self._goal.baseline.lines
        run = {path for test in self._goal.failing for path in lines.get(test, {})}
        return {path: sorted(names_never_bound(source)) for path, source in self._sources.items() if path in run}

    def request(
        self, tests: tuple[str, ...], batch: list[dict[str, Any]], under: dict[str, Any] | None, floor: float
    ) -> dict[str, Any]:
        """For a worker; see `tryout.screen`. `batch` are encoded edits, `floor` the least CPU seconds of a test."""
        limits = cpu_limits(self._goal.baseline, list(tests), CPU_FACTOR, floor)
        known = self._goal.baseline.seconds_of(tests)
        return {
            "tests": tests, "cpu_seconds": limits, "quiet_seconds": 1.5 + 2 * known + 3 * sum(limits), "batch": batch,
            "under": under, "nameless": {} if under else self._nameless,
            "failures": {test: self._failures[test] for test in tests if test in self._failures},
        }  # fmt: skip

    def learn(self, failures: dict[str, Any]) -> None:
        """Take what a process tells of tests without an edit. One that it found unsteady is asked for in another."""
        for test, told in failures.items():
            if test in self._failures:
                continue
            if test in self._unsteady:
                self._failures[test] = judge(self._unsteady[test], told)
            elif is_unsteady(told):
                self._unsteady[test] = told
            else:
                self._failures[test] = told
