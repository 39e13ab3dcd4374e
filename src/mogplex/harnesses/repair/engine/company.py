"""Tests that pass in the suite but not when they are chosen from it: they need another one to run before them."""

from __future__ import annotations

from collections.abc import Sequence


class Company:
    """`needing` others, and those that were seen to pass `alone`."""

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
