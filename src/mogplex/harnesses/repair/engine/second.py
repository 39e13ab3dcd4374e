"""Fixes of two edits: the second is looked for on top of a first that mends a part or moves a failure further on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .edit import Candidate, tokens_of
from .ground import Ground, Surroundings
from .trial import Findings, Plausible, promise

MAX_GROUNDS = 60
MAX_RIVALS = 4
ALIKE = 0.4  # of its weight keeps a first edit for each better one that shows the same at the same place
FEWEST_SECONDS, SLICE_SHARE = 0.5, 0.1  # a turn of one ground: at least so long, and such a part of the time given


class SecondStep:
    """Builds on the steps of a search that found no single edit. Grounds take turns: the one whose next candidate is
    the likeliest goes on."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._grounds: dict[Candidate, Ground] = {}

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left to try on any of the steps so far."""
        return not any(ground.priority for ground in self._grounds.values())

    def run(self, findings: Findings, until: float, limit: int, on_progress: Callable[[Findings], None]) -> None:
        """Add what is found to `findings`, until `until` (monotonic). Can be called again, with more steps."""
        steps = best_first_edits(findings.steps, findings.failing)
        for weight, step in steps:
            self._grounds.setdefault(step.candidate, Ground(self._around, step, weight)).weight = weight
        others = [step for _, step in steps]
        turn = max(FEWEST_SECONDS, (until - time.monotonic()) * SLICE_SHARE)
        while not findings.plausible and findings.tried < limit and time.monotonic() < until:
            ground = max(self._grounds.values(), key=lambda one: one.priority, default=None)
            if ground is None or not ground.priority:
                return
            found = self._take_turn(ground, turn, until, others, findings, on_progress)
            if found and time.monotonic() < until:  # there may be a better one near by
                found = self._take_turn(ground, until - time.monotonic(), until, others, findings, on_progress)
                for rival in self._rivals(ground):
                    found += self._take_turn(rival, FEWEST_SECONDS, until, ground.seconds(), findings, on_progress)
            findings.plausible += found

    def _rivals(self, ground: Ground) -> list[Ground]:
        """Those with first edits that have shown the same, the simplest first: with the second edit that was found they
        may do as well, and be the more natural ones."""
        first = ground.first
        alike = [
            one for one in self._grounds.values()
            if not one.is_opened and (one.first.candidate.path, one.first.mends) == (first.candidate.path, first.mends)
        ]  # fmt: skip
        return sorted(alike, key=lambda one: (_size(one.first.candidate), -one.weight))[:MAX_RIVALS]

    def _take_turn(
        self,
        ground: Ground,
        seconds: float,
        until: float,
        others: Sequence[Plausible],
        findings: Findings,
        on_progress: Callable[[Findings], None],
    ) -> list[Plausible]:
        """All pairs that the ground has found so far."""

        def tell(inner: Findings) -> None:
            findings.absorb(inner)
            on_progress(findings)

        return ground.search(seconds, until, others, tell)


def _size(candidate: Candidate) -> int:
    """Words that it brings in."""
    return sum(len(tokens_of(edit.text)) for edit in candidate.edits)


def best_first_edits(steps: Sequence[Plausible], failing: int) -> list[tuple[float, Plausible]]:
    """With their weights, best first. Of those that show the same at the same place all but the best count less."""
    crowd: dict[tuple[object, ...], int] = {}
    weighed: list[tuple[float, Plausible]] = []
    for one in sorted(steps, key=lambda one: promise(one, failing), reverse=True):
        if one.compiled.code is None:
            continue
        place = (one.candidate.path, one.candidate.line, one.mends)
        weighed.append((promise(one, failing) * ALIKE ** crowd.get(place, 0), one))
        crowd[place] = crowd.get(place, 0) + 1
    return sorted(weighed, key=lambda pair: -pair[0])[:MAX_GROUNDS]
