"""What a search handles: candidates on their way through the workers, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .edit import Candidate
from .units import Compiled


@dataclass(frozen=True)
class Plausible:
    """A candidate that passes the failing tests and every test that covers its line."""

    candidate: Candidate
    compiled: Compiled
    mends: tuple[str, ...] = ()  # of the failing tests, if not all


@dataclass
class Trial:
    candidate: Candidate
    compiled: Compiled
    tests: list[str]
    round: int = 0
    is_control: bool = False  # run the same tests without the edit


@dataclass
class Findings:
    plausible: list[Plausible] = field(default_factory=list)
    partial: list[Plausible] = field(default_factory=list)  # mends all failing tests of a file, and breaks none
    steps: list[Plausible] = field(default_factory=list)  # mends some of the targets, or moves a failure further on
    kinds: dict[str, int] = field(default_factory=dict)  # template -> candidates tried
    tried: int = 0
    seconds: float = 0.0
    stopped_by: str = ""

    def count(self, candidate: Candidate) -> None:
        self.tried += 1
        self.kinds[candidate.template] = self.kinds.get(candidate.template, 0) + 1

    def best_steps(self) -> list[Plausible]:
        """Those that mend most of the failing tests, three at most."""
        mending = [one for one in self.steps if one.mends]
        return sorted(mending, key=lambda one: (-len(one.mends), -one.candidate.score))[:3]
