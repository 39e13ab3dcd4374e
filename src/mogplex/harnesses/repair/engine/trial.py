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
    tried: int = 0
    seconds: float = 0.0
    stopped_by: str = ""
