"""Fixes of two edits: the second is looked for on top of a first that mends a part or moves a failure further on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from . import spectra
from .baseline import Baseline
from .candidates import Candidates, Kinds
from .edit import Candidate, Edit
from .goal import Goal
from .pool import Pool
from .search import Search, encoded
from .source import Source
from .trial import Findings, Plausible

MAX_FIRST_EDITS = 10
MAX_SUSPECTS = 40
MAX_CANDIDATES = 4000  # on top of one first edit


class SecondStep:
    """Builds on the steps of a search that found no single edit."""

    def __init__(self, pool: Pool, root: Path, goal: Goal, sources: dict[str, Source], kinds: Kinds) -> None:
        self._pool = pool
        self._root = root
        self._goal = goal
        self._sources = sources
        self._kinds = kinds

    def run(self, findings: Findings, until: float, limit: int, on_progress: Callable[[Findings], None]) -> None:
        """Add what is found to `findings`, until `until` (monotonic): each first edit gets a like part of the time."""
        firsts = best_first_edits([one for one in findings.steps if one.compiled.code is not None])
        tried = findings.tried

        def tell(inner: Findings) -> None:
            findings.tried = tried + inner.tried
            on_progress(findings)

        for number, first in enumerate(firsts):
            left = until - time.monotonic()
            if left <= 0 or findings.plausible or findings.tried >= limit:
                return
            deadline = time.monotonic() + left / (len(firsts) - number)
            inner = self._build_on(first, deadline, limit - findings.tried, tell)
            tried = findings.tried = tried + inner.tried
            for template, count in inner.kinds.items():
                findings.kinds[template] = findings.kinds.get(template, 0) + count
            findings.plausible += [self._joined(first, second) for second in inner.plausible]

    def _build_on(self, first: Plausible, deadline: float, limit: int, tell: Callable[[Findings], None]) -> Findings:
        path = os.path.realpath(self._root / first.candidate.path)
        old = self._sources[path]
        edited = Source(old.path, old.encode(first.compiled.text))
        at, growth = first.candidate.line, edited.text.count("\n") - old.text.count("\n")
        baseline = shifted_baseline(self._goal.baseline, path, at, growth)
        failing = [test for test in self._goal.failing if test not in first.mends]
        goal = Goal(failing, baseline, self._goal.unimportable, list(first.mends))
        sources = {**self._sources, path: edited}
        suspects = spectra.rank(spectra.line_scores(baseline, failing), sources)[:MAX_SUSPECTS]
        kinds = {**self._kinds, old.path: _shifted(self._kinds.get(old.path, {}), at, growth)}
        mine = {path: edited}  # the second edit is in the same file, so that the patch is one text
        suspects = [one for one in suspects if one.path == old.path]
        under = encoded(first.compiled, path)
        search = Search(self._pool, self._root, goal, mine, tell, under=under)
        search.note_original()
        search.add(Candidates(suspects, kinds))
        return search.run(deadline, deadline, min(limit, MAX_CANDIDATES))

    def _joined(self, first: Plausible, second: Plausible) -> Plausible:
        """Both edits as one candidate on the original text."""
        path = first.candidate.path
        before = self._sources[os.path.realpath(self._root / path)].text
        after = second.compiled.text
        start = _alike(before, after)
        room = min(len(before), len(after)) - start
        end = _alike(before[::-1][:room], after[::-1][:room])
        edit = Edit(start, len(before) - end, after[start : len(after) - end])
        one, two = first.candidate, second.candidate
        joined = Candidate(
            path, min(one.line, two.line), (edit,), f"{one.template}, and {two.template}", one.prior * two.prior,
            one.score * two.score, one.removes or two.removes,
        )  # fmt: skip
        return Plausible(joined, replace(second.compiled, code=None))


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next((place for place, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def best_first_edits(steps: list[Plausible]) -> list[Plausible]:
    """Those that mend most, then those that move a failure; one for each place and kind of mending."""
    ranked = sorted(steps, key=lambda one: (-len(one.mends), -one.candidate.score))
    kept: dict[tuple[str, int, str], Plausible] = {}
    for one in ranked:
        kept.setdefault((one.candidate.path, one.candidate.line, one.candidate.template), one)
    return list(kept.values())[:MAX_FIRST_EDITS]


def shifted_baseline(baseline: Baseline, path: str, at: int, growth: int) -> Baseline:
    """What was recorded, with the lines of `path` after `at` moved by `growth`."""
    if not growth:
        return baseline
    lines = {
        test: {file: [_moved(line, at, growth) for line in own] if file == path else own for file, own in every.items()}
        for test, every in baseline.lines.items()
    }
    return replace(baseline, lines=lines)


def _shifted(kinds: dict[int, dict[str, set[str]]], at: int, growth: int) -> dict[int, dict[str, set[str]]]:
    return {_moved(line, at, growth): names for line, names in kinds.items()}


def _moved(line: int, at: int, growth: int) -> int:
    return line + growth if line > at else line
