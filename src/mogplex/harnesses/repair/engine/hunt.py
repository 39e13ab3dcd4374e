"""The search for patches of one goal: single edits first, then pairs and single edits by turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from .candidates import Candidates
from .copies import Repeated
from .ground import Surroundings
from .search import Search
from .second import SecondStep
from .trial import Findings, Plausible

ONE_EDIT_SHARE = 0.42  # of the search's time goes into single edits first, if there are steps to build on
TURNS, TWO_EDITS_SHARE = 4, 0.75  # of the rest: pairs and single edits take turns, and pairs get most of each


class Hunt:
    """Can be taken up again where it stopped, when what it had found did not hold."""

    def __init__(
        self, around: Surroundings, candidates: Candidates, limit: int, on_progress: Callable[[Findings], None]
    ) -> None:
        """`limit`: candidates to try at most."""
        self.candidates = candidates
        self._around = around
        self._limit = limit
        self._on_progress = on_progress
        self._search = Search(around.pool, around.goal, around.sources, on_progress, is_about=around.is_about)
        self._search.note_original()
        self._search.add(Repeated(candidates, around.sources.values()))
        self._second = SecondStep(around)

    def refuse(self, patches: Iterable[Plausible]) -> None:
        """Take these for no patches from now on."""
        texts = {one.compiled.text for one in patches}
        if texts:
            self._around.refused.update(texts)
            self._search.drop(self._around.refused)

    def run(self, deadline: float) -> Findings:
        """Until `deadline` (monotonic), or nothing better is to be expected. Raises ServerLost."""
        while True:
            findings = self._run(deadline)
            is_known = self._search.drop(self._around.refused)  # found once more, by another edit
            if not is_known or findings.plausible or time.monotonic() > deadline:
                return findings

    def _run(self, deadline: float) -> Findings:
        search, second, limit = self._search, self._second, self._limit
        started = time.monotonic()
        findings = search.run(started + (deadline - started) * ONE_EDIT_SHARE, deadline, limit)
        turn = (deadline - time.monotonic()) / TURNS
        while not findings.plausible and findings.steps and time.monotonic() < deadline and findings.tried < limit:
            is_spent = findings.stopped_by == "exhausted"
            until = time.monotonic() + turn * (1.0 if is_spent else TWO_EDITS_SHARE)
            second.run(findings, until, limit, self._on_progress)
            if findings.stopped_by == "grace" or (is_spent and second.is_spent):
                break
            if not is_spent and not findings.plausible:
                findings = search.run(time.monotonic() + turn * (1 - TWO_EDITS_SHARE), deadline, limit)
        if findings.tried >= limit:
            findings.stopped_by = "candidates"
        return findings
