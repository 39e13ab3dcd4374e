"""Tests that pass in the suite but not when they are chosen from it: they need another one to run before them, or can't
bear one that does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from .trial import Trial

PATIENT_ROUND = 2  # of the search: see there what time that gives


class Company:
    """`needing` others, and those that were seen to pass `alone`: in company that was chosen, without any edit."""

    def __init__(self) -> None:
        self.needing: set[str] = set()
        self.alone: set[str] = set()

    def learn(self, tests: Sequence[str], bad: set[str]) -> bool:
        """From a run of chosen tests without any edit; whether some that pass in the suite were `bad`."""
        self.needing |= bad
        self.alone |= set(tests) - bad
        return bool(bad)

    def without(self, tests: Sequence[str]) -> list[str]:
        return [test for test in tests if test not in self.needing]

    def ask(self, trial: Trial, spoiled: str) -> list[Trial]:
        """A patch mends every target but this test fails: the trial that tells whether that is the patch's doing; none
        when it is. First the test runs alone with the patch, and with more time, for the mended code may do more; if it
        fails then, too, all run without the patch."""
        if spoiled in self.needing:
            return [replace(trial, tests=self.without(trial.tests))]
        if spoiled in self.alone:
            return []
        return [replace(trial, doubted=spoiled, round=max(trial.round, PATIENT_ROUND))]

    def hear(self, trial: Trial, record: dict[str, Any], targets: Collection[str]) -> list[Trial]:
        """What a worker says of such a trial: the next one, if the patch deserves one."""
        is_lost = bool(record.get("died") or record.get("lost"))
        if trial.doubted and ("failed" in record or is_lost or record.get("cold")):
            return [replace(trial, doubted="", is_control=True)]
        if trial.doubted:
            self.needing.add(trial.doubted)
        elif is_lost or not self.learn(trial.tests, set(record.get("bad", [])) - set(targets)):
            return []
        return [replace(trial, doubted="", is_control=False, tests=self.without(trial.tests))]
