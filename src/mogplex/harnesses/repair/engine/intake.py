"""Candidates made ready to be tried: compiled, known ones left out, with the tests that each has to pass."""

from __future__ import annotations

from collections import deque

from .candidates import Queue
from .company import Company
from .edit import Candidate
from .goal import Goal, covering_tests
from .source import AnyFunction, Source
from .trial import Trial
from .units import Compiled, Compiler

MAX_COVERING = 400


class Intake:
    """Of one search. `sources` maps real paths to parsed files."""

    def __init__(self, goal: Goal, sources: dict[str, Source], company: Company) -> None:
        self._goal = goal
        self._company = company
        self._compilers = {source.path: Compiler(source, path) for path, source in sources.items()}
        self._real = {source.path: path for path, source in sources.items()}
        self._covering = covering_tests(goal)
        self._seen: set[tuple[str, str, int, int]] = set()
        self._later: deque[Candidate] = deque()  # need an import, and its turn hasn't come

    def note_original(self) -> None:
        """Remember what the files compile to now, so that edits without effect are skipped."""
        for path, compiler in self._compilers.items():
            self._seen.update((path, same.function, same.line, same.key) for same in compiler.unedited())

    def next_trial(self, queue: Queue, *, is_cold_full: bool) -> Trial | None:
        """The next candidate of a queue that compiles, and to something that was not tried yet. `is_cold_full`: those
        that need an import are only kept, for they may wait for long."""
        while queue:
            candidate = queue.pop()
            if (is_cold_full or self._later) and self._needs_import(candidate):
                self._later.append(candidate)
            elif (trial := self._trial_of(candidate)) is not None:
                return trial
        return None

    def next_kept(self) -> Trial | None:
        """The next of those that were kept."""
        while self._later:
            if (trial := self._trial_of(self._later.popleft())) is not None:
                return trial
        return None

    def path_of(self, trial: Trial) -> str:
        """The real path of the file that it edits."""
        return self._real[trial.candidate.path]

    def function_of(self, trial: Trial) -> AnyFunction | None:
        """The function whose body or signature it edits."""
        return self._compilers[trial.candidate.path].function_changed(trial.candidate, trial.compiled)

    def _needs_import(self, candidate: Candidate) -> bool:
        return not self._goal.unimportable and self._compilers[candidate.path].needs_import(candidate)

    def _trial_of(self, candidate: Candidate) -> Trial | None:
        try:
            compiled = self._compilers[candidate.path].compile(candidate)
        except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
            return None
        key = (candidate.path, compiled.function, compiled.line, compiled.key)
        if key in self._seen:
            return None
        self._seen.add(key)
        return Trial(candidate, compiled, self._tests_for(candidate, compiled))

    def _tests_for(self, candidate: Candidate, compiled: Compiled) -> list[str]:
        path, line = self._real[candidate.path], self._compilers[candidate.path].line_run(candidate, compiled)
        covering = self._covering.get((path, line)) or self._covering.get((path, 0), [])
        covering = self._company.without(covering)[:MAX_COVERING]
        return list(dict.fromkeys([*self._goal.failing, *self._goal.mended, *covering]))
