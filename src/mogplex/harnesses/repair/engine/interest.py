"""Which lines matter to the failing tests: where edit after edit leaves a failure as it was, the next is no better."""

from __future__ import annotations

from collections import defaultdict

from .edit import Candidate

USUAL_SHARE = 0.3  # of the edits of a line that matters changes how a test fails
TRUST = 2.0  # edits without effect that say nothing yet


class Interest:
    """Learns from edits that were tried. Lines are those on which an edit begins."""

    def __init__(self) -> None:
        self._tried: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._changed: defaultdict[tuple[str, int], int] = defaultdict(int)

    def note(self, candidate: Candidate, changed: bool) -> None:
        """Whether a test failed differently, or not at all, with the edit."""
        place = (candidate.path, candidate.line)
        self._tried[place] += 1
        self._changed[place] += changed

    def factor(self, candidate: Candidate) -> float:
        """What the edit's score is worth by now: 1 on a line that matters or was not tried, towards 0 on one that
        doesn't."""
        place = (candidate.path, candidate.line)
        return min(1.0, (self._changed[place] + TRUST) / (USUAL_SHARE * self._tried[place] + TRUST))
