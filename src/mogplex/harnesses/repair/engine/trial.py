"""What a search handles: candidates on their way through the workers, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from .edit import Candidate
from .progress import Failure
from .units import Compiled

CPU_FLOORS_SECONDS = (0.06, 0.4, 2.0, 10.0)  # by round; most candidates that time out in the first one loop for ever
RETRY_SHARES = (0.08, 0.6)  # of the score of a candidate that timed out, for its next round: at least, at most
RETRY_WORTH = 2.0  # such a share, where a retry may take no longer than the candidates so far did each
LAST_ROUND = 2  # but for those that mend most of the failing tests: one that fails at once may take long to pass
MAX_STEPS = 400
MENDING, MENDING_ALL, MOVING = 1.0, 2.0, 0.5  # mending one test says more than moving any; mending most, much more
SPOILING = 0.4
REMOVING = 0.3


@dataclass(frozen=True)
class Plausible:
    """A candidate that passes the failing tests and every test that covers its line; or, as a step, one that may be
    the first of two edits."""

    candidate: Candidate
    compiled: Compiled
    mends: tuple[str, ...] = ()  # of the failing tests, if not all
    moves: float = 0.0  # a step that mends none: how clearly it moves a failure further on, 0 to 1
    spoils: tuple[str, ...] = ()  # a step that mends some, but not without these: they have to be mended on top of it
    is_pair: bool = False
    leaves: Mapping[str, Failure] = field(default_factory=dict, compare=False)  # how tests fail that it doesn't mend


@dataclass
class Trial:
    candidate: Candidate
    compiled: Compiled
    tests: list[str]
    round: int = 0
    has_passed: bool = False  # one of the failing tests, when it was screened
    moves: float = 0.0  # how clearly it moved a failure of another test then, 0 to 1
    is_control: bool = False  # run the same tests without the edit
    doubted: str = ""  # run this test with the edit, and no other
    patience: float = 1.0  # what is left of its score after it has timed out


def has_more_time(number: int, *, is_promising: bool) -> bool:
    """Whether a candidate that timed out in this round is tried in another, with more time."""
    return number < (len(CPU_FLOORS_SECONDS) - 1 if is_promising else LAST_ROUND)


def retry_share(seconds_each: float, number: int) -> float:
    """What a candidate's score is to be multiplied by for this round, after it timed out in the one before.

    `seconds_each`: what candidates have taken so far. Where most take long it is cheap to give one of them more time,
    and likely that it does not loop for ever but gets past the failure, into the rest of a slow test.
    """
    least, most = RETRY_SHARES
    return min(most, max(least, RETRY_WORTH * seconds_each / CPU_FLOORS_SECONDS[number]))


@dataclass
class Findings:
    plausible: list[Plausible] = field(default_factory=list)
    partial: list[Plausible] = field(default_factory=list)  # mends all failing tests of a file, and breaks none
    apart: list[Plausible] = field(default_factory=list)  # mends what fails for one cause, and other tests have another
    dodging: list[Plausible] = field(default_factory=list)  # passes all, and leaves a name without a value as it is
    steps: list[Plausible] = field(default_factory=list)  # mends some of the targets, or moves a failure further on
    kinds: dict[str, int] = field(default_factory=dict)  # template -> candidates tried
    failing: int = 1  # tests, without any edit
    tried: int = 0
    seconds: float = 0.0
    stopped_by: str = ""

    def found(self) -> list[Plausible]:
        """All that might be a patch."""
        return [one for patches in self._lists() for one in patches]

    def _lists(self) -> tuple[list[Plausible], ...]:
        return self.plausible, self.partial, self.apart, self.dodging

    def add(self, patch: Plausible, *, is_meant: bool) -> None:
        """One that passes all; `is_meant` is false of those that only dodge a name without a value."""
        (self.plausible if is_meant else self.dodging).append(patch)

    def count(self, candidate: Candidate) -> None:
        self.tried += 1
        self.kinds[candidate.template] = self.kinds.get(candidate.template, 0) + 1

    def drop(self, refused: set[str]) -> bool:
        """Forget patches that lead to these texts; whether there were any."""
        before = len(self.found())
        for patches in self._lists():
            patches[:] = [one for one in patches if one.compiled.text not in refused]
        return len(self.found()) < before

    def absorb(self, inner: Findings) -> None:
        """Count what a search on top of an edit has tried since this was last called."""
        for template, count in inner.kinds.items():
            self.kinds[template] = self.kinds.get(template, 0) + count
            self.tried += count
        inner.kinds.clear()

    def note_step(self, step: Plausible) -> None:
        """Remember one that others may be built on; of too many, the best."""
        self.steps.append(step)
        if len(self.steps) > MAX_STEPS:
            self.steps.sort(key=lambda one: promise(one, self.failing), reverse=True)
            del self.steps[MAX_STEPS // 2 :]

    def best_steps(self) -> list[Plausible]:
        """Those that mend most of the failing tests, three at most."""
        mending = [one for one in self.steps if one.mends]
        return sorted(mending, key=lambda one: (-len(one.mends), -one.candidate.score))[:3]


def promise(step: Plausible, failing: int) -> float:
    """How likely a step is the first of two right edits: a weight of what it has shown, and how likely an edit it is.

    `failing`: how many tests fail without it.
    """
    shown = MENDING + MENDING_ALL * len(step.mends) / failing if step.mends else MOVING * step.moves
    weight = shown * math.sqrt(step.candidate.score)
    return weight * (SPOILING if step.spoils else 1.0) * (REMOVING if step.candidate.removes else 1.0)
