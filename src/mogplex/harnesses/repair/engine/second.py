"""Fixes of two edits: the second is looked for on top of a first that mends a part or moves a failure further on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from typing import Any

from .edit import Candidate, tokens_of
from .goal import MAX_REPRESENTATIVES
from .ground import OBSERVED_CPU_SECONDS, Ground, Surroundings, affordable, opening_tries
from .runs import FINE, Run, play
from .trial import Findings, Plausible, promise
from .units import encoded

Touches = Callable[[Plausible], bool]

MAX_GROUNDS = 60
MAX_RIVALS = 4
ALIKE = 0.4  # a first edit's weight is shared by so much with each better one that shows the same at the same place
TOUCHING = 0.1  # the same for those that touch a name without a value
LEAST_MOVE = 0.6  # how clearly those are taken to move the failure, whatever fails then
ROOTED = 3.0  # the weight of one that moves a failure where a wrong type may come from
BYPASSING = 0.03  # of its weight keeps one that leaves such a name as it is
SIFTED, SIFTED_TESTS, SIFTED_SECONDS = 24, 12, 0.2  # steps to look at closely, by how many failing tests, together
FEWEST_SECONDS, SLICE_SHARE = 0.5, 0.1  # a turn of one ground: at least so long, and such a part of the time given


class SecondStep:
    """Builds on the steps of a search that found no single edit. Grounds take turns: the one whose next candidate is
    the likeliest goes on."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._grounds: dict[Candidate, Ground] = {}
        self._sifted: dict[Candidate, Plausible] = {}
        self._opening_tries: float | None = None  # of single edits: what second ones take says nothing of that
        self._touches: Touches | None = (lambda step: around.touches(step.candidate)) if around.nameless else None

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left to try on any of the steps so far."""
        return not any(ground.priority for ground in self._grounds.values())

    def run(self, findings: Findings, until: float, limit: int, on_progress: Callable[[Findings], None]) -> None:
        """Add what is found to `findings`, until `until` (monotonic). Can be called again, with more steps."""
        if self._opening_tries is None:
            self._opening_tries = opening_tries(findings)
        self._sift(findings)
        seen = [self._sifted.get(one.candidate, one) for one in findings.steps]
        steps = best_first_edits(seen, findings.failing, self._touches, self._around.roots)
        for weight, step in steps:
            known = self._grounds.setdefault(step.candidate, Ground(self._around, step, weight))
            known.opening_tries = self._opening_tries
            if not known.is_opened:
                known.weight = weight
        others = [step for _, step in steps]
        turn = max(FEWEST_SECONDS, (until - time.monotonic()) * SLICE_SHARE)
        while not findings.plausible and findings.tried < limit and time.monotonic() < until:
            ground = max(self._grounds.values(), key=lambda one: one.priority, default=None)
            if ground is None or not ground.priority:
                break
            found = self._take_turn(ground, turn, until, others, findings, on_progress)
            if found and time.monotonic() < until:  # there may be a better one near by
                found = self._take_turn(ground, until - time.monotonic(), until, others, findings, on_progress)
                for rival in self._rivals(ground):
                    found += self._take_turn(rival, FEWEST_SECONDS, until, ground.seconds(), findings, on_progress)
            findings.plausible += found
        known_texts = {one.compiled.text for one in (*findings.partial, *findings.apart)}
        for large, apart in [ground.parts() for ground in self._grounds.values()]:
            for pairs, into in ((large, findings.partial), (apart, findings.apart)):
                into += [pair for pair in pairs if pair.compiled.text not in known_texts]
                known_texts.update(pair.compiled.text for pair in pairs)

    def _sift(self, findings: Findings) -> None:
        """See which failing tests the likeliest steps mend: the few that showed that they are steps may need the
        second edit, too."""
        tests = self._telling()
        left = [
            one for one in best_first_edits(
                findings.steps, findings.failing, self._touches, self._around.roots, alike=0.0
            )
            if not one[1].mends and one[1].candidate not in self._sifted
        ][: SIFTED if tests else 0]  # fmt: skip
        runs = [(step, Run(tests, OBSERVED_CPU_SECONDS, under=self._encoded(step))) for _, step in left]
        play(self._around.pool, *(run for _, run in runs))
        for step, run in runs:
            mended = tuple(test for test, seen in run.outcomes.items() if seen.outcome in FINE)
            self._sifted[step.candidate] = replace(step, mends=mended)

    def _telling(self) -> list[str]:
        """Failing tests of many kinds that take little time; none when all of them were asked already."""
        goal = self._around.goal
        outcomes = goal.baseline.outcomes
        quick = [test for test in goal.failing if outcomes[test].outcome == "failed"]
        if len(quick) <= MAX_REPRESENTATIVES:
            return []
        quick.sort(key=lambda test: outcomes[test].seconds)
        spread = quick[:: max(1, len(quick) // SIFTED_TESTS)][:SIFTED_TESTS]
        return affordable(spread, goal.baseline, SIFTED_SECONDS)

    def _encoded(self, step: Plausible) -> dict[str, Any]:
        return encoded(step.compiled, os.path.realpath(self._around.root / step.candidate.path))

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


def best_first_edits(
    steps: Sequence[Plausible],
    failing: int,
    touches: Touches | None = None,
    roots: Container[tuple[str, int]] = (),
    alike: float = ALIKE,
) -> list[tuple[float, Plausible]]:
    """With their weights, best first. Of those that show the same at the same place all but the best count less.

    `touches` is given when nearly all failing tests break off at a name that has no value: whether an edit touches it.
    Those that do are steps, whatever fails then, and there are few of them.
    """
    crowd: dict[tuple[object, ...], int] = {}
    weighed: list[tuple[float, Plausible]] = []
    for one in steps:
        if one.compiled.code is None:
            continue
        if touches is None:
            is_root = not one.mends and (one.candidate.path, one.candidate.line) in roots
            weighed.append((promise(one, failing) * (ROOTED if is_root else 1.0), one))
        elif touches(one):
            weighed.append((promise(replace(one, moves=max(LEAST_MOVE, one.moves)), failing), one))
        else:
            weighed.append((BYPASSING * promise(one, failing), one))
    weighed.sort(key=lambda pair: -pair[0])
    for number, (weight, one) in enumerate(weighed):
        is_touching = touches is not None and touches(one)
        place = (one.candidate.path, one.candidate.line, one.mends, one.moves, is_touching and one.candidate.template)
        share = min(alike, TOUCHING) if is_touching else alike
        weighed[number] = (weight / (1 + share * crowd.get(place, 0)), one)
        crowd[place] = crowd.get(place, 0) + 1
    return sorted(weighed, key=lambda pair: -pair[0])[:MAX_GROUNDS]
