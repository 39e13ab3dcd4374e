"""A first edit that holds, and the search for a second one on top of it."""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import spectra
from .baseline import Baseline
from .candidates import Candidates, Kinds, Listed, Queue
from .clues import clues_of, traced_back
from .edit import Candidate
from .goal import Goal, covering_tests, mends_one_cause, telling_first, worth_having
from .joining import joined, on_top_of, without
from .likeness import WORD
from .pool import Pool
from .runs import FINE, Outcome, Run, play
from .search import Search
from .source import Source, header_lines, names_stored
from .trial import Findings, Plausible, promise
from .units import encoded

MAX_SUSPECTS = 60
MAX_TRIES = 4000  # on top of one first edit
OPENING_SECONDS = 0.25  # what it costs to begin with another first edit
LEAST_OPENING, MOST_OPENING = 10.0, 100.0  # the same, in tries
MAX_OBSERVED, OBSERVED_SECONDS = 60, 1.0  # targets, and passing tests that run the edited line, to run with the edit
OBSERVED_CPU_SECONDS = 2.0  # for one of them
TYPED_TESTS = 3


@dataclass(frozen=True)
class Surroundings:
    """What is known without any edit. `sources` by real path; `refused` are texts of files that did not hold;
    `nameless`: names without a value that nearly all failing tests break off at; `roots`: (path in the repo, line)
    where tests break off because of a wrong type, and where that may come from."""

    pool: Pool
    root: Path
    goal: Goal
    sources: dict[str, Source]
    kinds: Kinds
    nameless: frozenset[str] = frozenset()
    roots: frozenset[tuple[str, int]] = frozenset()
    refused: set[str] = field(default_factory=set)

    def touches(self, candidate: Candidate) -> bool:
        """Whether a candidate makes the names without a value stand less or more often."""
        return touches_name(candidate, self._text(candidate), self.nameless)

    def is_about(self, candidate: Candidate) -> bool:
        """Whether a candidate may be about the names without a value, for it touches what reads them, or a condition
        for giving them one; true when there are none."""
        source = self._source(candidate)
        parts = [part for edit in candidate.edits for part in (edit.text, source.text[edit.start : edit.end])]
        if not self.nameless or any(self.nameless & set(WORD.findall(part)) for part in parts):
            return True
        near = (one for one in source.statements if isinstance(one, ast.If) and candidate.line in header_lines(one))
        return any(self.nameless & names_stored(one) and candidate.touches(*source.span(one.test)) for one in near)

    def _text(self, candidate: Candidate) -> str:
        return self._source(candidate).text

    def _source(self, candidate: Candidate) -> Source:
        return self.sources[os.path.realpath(self.root / candidate.path)]


class Chained:
    """One queue after another."""

    def __init__(self, *queues: Queue) -> None:
        self._queues = queues

    def __bool__(self) -> bool:
        return any(self._queues)

    @property
    def best_score(self) -> float:
        return next(queue.best_score for queue in self._queues if queue)

    def pop(self) -> Candidate:
        return next(queue for queue in self._queues if queue).pop()

    def note(self, candidate: Candidate, changed: bool) -> None:
        for queue in self._queues:
            queue.note(candidate, changed)


class Ground:
    """One first edit. Nothing is run before the first `search`."""

    def __init__(self, around: Surroundings, first: Plausible, weight: float) -> None:
        self.first = first
        self.weight = weight
        self._around = around
        self._path = os.path.realpath(around.root / first.candidate.path)
        self._search: Search | None = None
        self._goal: Goal | None = None  # with the first edit in force
        self._is_spent = first.compiled.code is None
        self.opening_tries = MOST_OPENING

    @property
    def priority(self) -> float:
        """How likely its next candidate is the second right edit, as a weight; 0 when there is none.

        Falls as the number of tries grows: most right edits stand near the front, and a few very far behind.
        """
        if self._is_spent:
            return 0.0
        tried = 0 if self._search is None else self._search.findings.tried
        return self.weight / (tried + self.opening_tries)

    def search(
        self, seconds: float, until: float, others: Sequence[Plausible], tell: Callable[[Findings], None]
    ) -> list[Plausible]:
        """Look for second edits for some seconds, at most until `until` (monotonic): all pairs that pass, as single
        patches.

        `others` are further first edits: what mends one part may, on top of this, mend the rest. `tell` is called with
        what this ground has seen so far.
        """
        if self._search is None:
            self._search = self._open(others, tell)
        if self._search is None:
            self._is_spent = True
            return []
        self._search.drop(self._around.refused)
        until = min(until, time.monotonic() + seconds)  # without the time that it took to open
        found = self._search.run(until, until, MAX_TRIES)
        self._is_spent = found.stopped_by in ("exhausted", "candidates")
        before = self._around.sources[self._path].text
        pairs = [joined(before, self.first, second) for second in found.plausible]
        return [pair for pair in pairs if pair.compiled.text not in self._around.refused]

    def parts(self) -> tuple[list[Plausible], list[Plausible]]:
        """Pairs that break nothing, and mend a large part of what fails without any edit; and pairs that mend what
        fails for one cause of several."""
        large: list[Plausible] = []
        apart: list[Plausible] = []
        if self._search is None or self._goal is None:
            return large, apart
        before, every = self._around.sources[self._path].text, self._around.goal
        for second in self._search.findings.partial:
            left = set(self._goal.failing) - set(second.mends)
            if not left <= set(every.failing) or second.compiled.text in self._around.refused:
                continue
            mended = [test for test in every.failing if test not in left]
            growth = self.first.compiled.growth + second.compiled.growth
            if mends := worth_having(every, mended, left):
                large.append(replace(joined(before, self.first, second), mends=tuple(mends)))
            elif mends_one_cause(every, mended, second.leaves, growth):
                apart.append(replace(joined(before, self.first, second), mends=tuple(mended)))
        return large, apart

    @property
    def is_opened(self) -> bool:
        return self._search is not None or self._is_spent

    def seconds(self) -> list[Plausible]:
        """The second edits that were found here, as first ones that would mend all."""
        found = self._search.findings.plausible if self._search else []
        carried = ((one, without(self.first, one, self._around.sources[self._path])) for one in found)
        targets = tuple(self._around.goal.failing)
        return [replace(one, candidate=candidate, mends=targets) for one, candidate in carried if candidate]

    def _open(self, others: Sequence[Plausible], tell: Callable[[Findings], None]) -> Search | None:
        around, first = self._around, self.first
        old = around.sources[self._path]
        edited = Source(old.path, old.encode(first.compiled.text))
        growth = first.compiled.growth
        at = first.candidate.line - (1 if inserts_lines(first.candidate, old) else 0)
        under = {**encoded(first.compiled, self._path), "at": at}
        goal = self._observed(shifted_baseline(around.goal.baseline, self._path, at, growth), under)
        if not goal.failing:
            return None  # it does all, or a test that it seemed to spoil needs another one before it
        self.weight *= self._surprise(goal)
        self._goal = goal
        sources = {**around.sources, self._path: edited}
        suspects = spectra.rank(spectra.line_scores(goal.baseline, goal.failing), sources)
        suspects = [one for one in suspects if one.path == old.path]  # so that the patch is one text
        suspects = spectra.nearest_first(suspects, first.candidate.line)
        kinds = {**around.kinds, old.path: _shifted(around.kinds.get(old.path, {}), at, growth)}
        self._learn_types(goal, under, kinds)
        clues = clues_of(goal, around.root, {path: source.path for path, source in sources.items()})
        clues = traced_back(clues, sources.values())
        search = Search(around.pool, goal, {self._path: edited}, tell, under=under)
        search.note_original()
        known = Listed(on_top_of(first, others, old, edited))
        search.add(Chained(known, Candidates(suspects[:MAX_SUSPECTS], kinds, clues)))
        return search

    def _surprise(self, goal: Goal) -> float:
        """What its weight is to be multiplied by, now that it was seen what the first edit mends and spoils. A step has
        shown something, so its promise is never 0."""
        failing, first = self._around.goal.failing, self.first
        spoiled = tuple(test for test in goal.failing if test not in failing)
        mended = tuple(test for test in failing if test not in goal.failing)
        seen = replace(first, mends=mended, spoils=spoiled)
        return promise(seen, len(failing)) / promise(first, len(failing))

    def _observed(self, baseline: Baseline, under: dict[str, Any]) -> Goal:
        """What fails with the first edit, where, and which lines it runs: a failure that has moved lies elsewhere.

        Tests that pass, and run the edited line, are run too: what the edit spoils has to be mended as well.
        """
        goal, first, pool = self._around.goal, self.first, self._around.pool
        targets = list(dict.fromkeys([*first.spoils, *goal.failing]))[:MAX_OBSERVED]
        near = covering_tests(goal).get((self._path, first.candidate.line), [])
        near = affordable([test for test in near if test not in targets], goal.baseline)
        aimed = Run(targets, OBSERVED_CPU_SECONDS, record="lines", under=under)
        others = Run(near, OBSERVED_CPU_SECONDS, under=under)
        play(pool, aimed, others)
        seen, lines, beside = aimed.outcomes, aimed.recorded, others.outcomes
        if all(one.outcome == "crashed" for one in seen.values()):
            seen, lines, beside = {}, {}, {}  # the edit does not hold without an import
        spoiled = [test for test, one in beside.items() if one.outcome not in FINE]
        outcomes = {**baseline.outcomes, **seen, **{test: beside[test] for test in spoiled}}
        failing = [test for test in goal.failing if _fails(test, seen, first)]
        failing += [test for test in [*first.spoils, *spoiled] if outcomes[test].outcome not in FINE]
        failing.sort(key=lambda test: (outcomes[test].outcome != "failed", outcomes[test].seconds))
        mended = [test for test in goal.failing if test not in failing]
        baseline = replace(baseline, outcomes=outcomes, lines={**baseline.lines, **lines})
        return Goal(telling_first(failing, baseline), baseline, goal.unimportable, [*mended, *goal.mended])

    def _learn_types(self, goal: Goal, under: dict[str, Any], kinds: Kinds) -> None:
        """Types of what the tests run now; of lines that they did not get to before nothing was known."""
        real = {
            os.path.realpath(self._around.root / source.path): source.path for source in self._around.sources.values()
        }
        finite = [test for test in goal.failing if goal.baseline.outcomes[test].outcome == "failed"]
        run = Run(finite[:TYPED_TESTS], OBSERVED_CPU_SECONDS, record="types", under=under)
        play(self._around.pool, run)
        for path, lines in run.recorded.items():
            if path in real:
                known = kinds[real[path]] = dict(kinds.get(real[path], {}))
                known.update(
                    {int(line): {name: set(seen) for name, seen in names.items()} for line, names in lines.items()}
                )


def opening_tries(findings: Findings) -> float:
    """What it costs to begin with another first edit, in tries: few where each takes long."""
    return min(MOST_OPENING, max(LEAST_OPENING, OPENING_SECONDS * findings.tried / max(findings.seconds, 0.001)))


def _fails(test: str, seen: dict[str, Outcome], first: Plausible) -> bool:
    return seen[test].outcome not in FINE if test in seen else test not in first.mends


def affordable(tests: Sequence[str], baseline: Baseline, seconds: float = OBSERVED_SECONDS) -> list[str]:
    """The first of them that take no longer than so many seconds together."""
    chosen: list[str] = []
    spent = 0.0
    for test in tests:
        spent += baseline.outcomes[test].seconds
        if spent > seconds:
            break
        chosen.append(test)
    return chosen


def shifted_baseline(baseline: Baseline, path: str, at: int, growth: int) -> Baseline:
    """What was recorded, with the lines of `path` after `at` moved by `growth`."""
    if not growth:
        return baseline
    lines = {
        test: {file: [moved(line, at, growth) for line in own] if file == path else own for file, own in every.items()}
        for test, every in baseline.lines.items()
    }
    return replace(baseline, lines=lines)


def _shifted(kinds: dict[int, dict[str, set[str]]], at: int, growth: int) -> dict[int, dict[str, set[str]]]:
    return {moved(line, at, growth): names for line, names in kinds.items()}


def inserts_lines(candidate: Candidate, source: Source) -> bool:
    """Whether it brings in whole lines before the one that it is said to be on, which moves then, too."""
    edit = min(candidate.edits, key=lambda one: one.start)
    return edit.start == edit.end == source.line_start(source.line_of(edit.start)) and edit.text.endswith("\n")


def moved(line: int, at: int, growth: int) -> int:
    return line + growth if line > at else line


def touches_name(candidate: Candidate, text: str, names: Set[str]) -> bool:
    """Whether a name stands less often or more often in the file's `text` with the edit: one that only keeps the tests
    from getting there leaves it as it is."""
    before = [word for edit in candidate.edits for word in WORD.findall(text[edit.start : edit.end])]
    after = [word for edit in candidate.edits for word in WORD.findall(edit.text)]
    return any(before.count(name) != after.count(name) for name in names)
