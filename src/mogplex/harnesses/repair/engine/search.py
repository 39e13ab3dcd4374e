"""Tries candidates on the workers until enough plausible patches are found or the budget is spent."""

from __future__ import annotations

import base64
import marshal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .baseline import Baseline, cpu_limits
from .edit import Candidate
from .pool import Pool, ServerLost, Worker
from .source import Source
from .units import Compiled, Compiler

CPU_FLOOR_SECONDS = 0.25  # first round; most candidates that need more loop for ever
PATIENT_FLOOR_SECONDS = 2.0  # second round, for those that timed out
CPU_FACTOR = 4.0
ENOUGH_PLAUSIBLE = 12
GRACE_SECONDS = (2.0, 12.0)  # how long to look for a better patch after the first: the time that one took, within these
MAX_COVERING = 400


@dataclass(frozen=True)
class Plausible:
    """A candidate that passes the failing tests and every test that covers its line."""

    candidate: Candidate
    compiled: Compiled


@dataclass
class Trial:
    candidate: Candidate
    compiled: Compiled
    tests: list[str]
    patient: bool = False


@dataclass
class Findings:
    plausible: list[Plausible] = field(default_factory=list)
    partial: list[Plausible] = field(default_factory=list)  # mends some failing tests and breaks none that covers it
    tried: int = 0
    seconds: float = 0.0
    stopped_by: str = ""


@dataclass
class Goal:
    """What has to pass: failing tests, and test files that could not even be imported."""

    failing: list[str]
    baseline: Baseline
    unimportable: list[str] = field(default_factory=list)


class Search:
    """One search. `sources` maps real paths to parsed files; `on_progress` is called after every answer."""

    def __init__(
        self, pool: Pool, root: Path, goal: Goal, sources: dict[str, Source], on_progress: Callable[[Findings], None]
    ) -> None:
        self._pool = pool
        self._root = root
        self._goal = goal
        self._on_progress = on_progress
        self._compilers = {source.path: Compiler(source, path) for path, source in sources.items()}
        self._real = {source.path: path for path, source in sources.items()}
        self._covering = _covering_tests(goal)
        self._seen: set[tuple[str, str, int, int]] = set()
        self._cold: deque[Trial] = deque()
        self._slow: list[Trial] = []
        self.findings = Findings()

    def run(self, candidates: list[Candidate], deadline: float, limit: int) -> Findings:
        """Try candidates in order until `deadline` (monotonic) or `limit` tries. Raises ServerLost if all workers died."""
        started = time.monotonic()
        first_found: float | None = None
        queue = deque(candidates)
        while True:
            now = time.monotonic()
            self.findings.seconds = now - started
            if self.findings.plausible and first_found is None:
                first_found = now
            if now > deadline:
                self.findings.stopped_by = "time"
            elif self.findings.tried >= limit:
                self.findings.stopped_by = "candidates"
            elif len(self.findings.plausible) >= ENOUGH_PLAUSIBLE:
                self.findings.stopped_by = "enough"
            elif first_found is not None:
                grace = min(max(first_found - started, GRACE_SECONDS[0]), GRACE_SECONDS[1])
                if now - first_found > grace:
                    self.findings.stopped_by = "grace"
            if self.findings.stopped_by:
                return self.findings
            self._feed(queue)
            busy = [worker for worker in self._pool.workers if worker.is_busy]
            if not busy:
                if all(worker.is_lost for worker in self._pool.workers):
                    raise ServerLost("the tests killed every process that runs them")
                self.findings.stopped_by = "exhausted"
                return self.findings
            for worker, record in self._pool.poll(0.1):
                if record.get("done"):
                    self._judge(worker, record)
                    self._on_progress(self.findings)

    def _feed(self, queue: deque[Candidate]) -> None:
        """Give every idle worker its next trial."""
        while (worker := self._pool.idle(cold=True)) is not None and self._cold:
            self._submit(worker, self._cold.popleft())
        while (worker := self._pool.idle(cold=False)) is not None:
            trial = self._next_trial(queue)
            if trial is None:
                break
            self._submit(worker, trial)
        while (worker := self._pool.idle(cold=True)) is not None and self._cold:
            self._submit(worker, self._cold.popleft())

    def _next_trial(self, queue: deque[Candidate]) -> Trial | None:
        """The next candidate for a warm worker; candidates for a cold one are set aside on the way."""
        skipped = 0
        while queue and skipped < 200:
            candidate = queue.popleft()
            skipped += 1
            try:
                compiled = self._compilers[candidate.path].compile(candidate)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            key = (candidate.path, compiled.function, compiled.line, compiled.key)
            if key in self._seen:
                continue
            self._seen.add(key)
            trial = Trial(candidate, compiled, self._tests_for(candidate))
            path = self._real[candidate.path]
            if self._goal.unimportable or (compiled.code is None and path in self._pool.loaded):
                self._cold.append(trial)
                continue
            return trial
        if not queue and self._slow and not self.findings.plausible:
            self._slow.sort(key=lambda trial: trial.candidate.score)
            return self._slow.pop()
        return None

    def note_original(self) -> None:
        """Remember what the files compile to now, so that edits without effect are skipped."""
        for path, compiler in self._compilers.items():
            for function in compiler.outer:
                line = function.body[0].lineno
                try:
                    same = compiler.compile(Candidate(path, line, compiler.no_edit(function), "", 0, 0))
                except (SyntaxError, ValueError):
                    continue
                self._seen.add((path, same.function, same.line, same.key))

    def _tests_for(self, candidate: Candidate) -> list[str]:
        covering = self._covering.get((self._real[candidate.path], candidate.line), [])
        if not covering:
            covering = self._covering.get((self._real[candidate.path], 0), [])
        return [*self._goal.failing, *covering[:MAX_COVERING]]

    def _submit(self, worker: Worker, trial: Trial) -> None:
        floor = PATIENT_FLOOR_SECONDS if trial.patient else CPU_FLOOR_SECONDS
        limits = cpu_limits(self._goal.baseline, trial.tests, CPU_FACTOR, floor)
        outcomes = self._goal.baseline.outcomes
        known = sum(outcomes[test].seconds for test in trial.tests if outcomes[test].outcome != "timeout")
        path = self._real[trial.candidate.path]
        edit: dict[str, Any] = {"path": path}
        if worker.is_cold or trial.compiled.code is None or path not in self._pool.loaded:
            edit["text"] = trial.compiled.text
        else:
            edit["code"] = base64.b64encode(marshal.dumps(trial.compiled.code)).decode("ascii")
        request = {
            "tests": trial.tests, "cpu_seconds": limits, "stop": True, "edit": edit,
            "clean_files": self._goal.unimportable,
            "quiet_seconds": 1.5 + 2 * known + 3 * max(limits, default=1.0) + (10.0 if worker.is_cold else 0.0),
        }  # fmt: skip
        self._pool.submit(worker, request, trial)

    def _judge(self, worker: Worker, record: dict[str, Any]) -> None:
        trial: Trial = worker.request
        if record.get("cold"):
            self._cold.append(trial)
            return
        self.findings.tried += 1
        found = Plausible(trial.candidate, trial.compiled)
        if record.get("died") or record.get("lost"):
            return
        if "failed" not in record:
            self.findings.plausible.append(found)
        elif record["outcome"] == "timeout" and not trial.patient:
            trial.patient = True
            self._slow.append(trial)
        elif record["fine"] and record["failed"] in self._goal.failing:
            self.findings.partial.append(found)


def _covering_tests(goal: Goal) -> dict[tuple[str, int], list[str]]:
    """(real path, line) -> passing tests that run it, the cheapest first; line 0 stands for the whole file."""
    covering: dict[tuple[str, int], list[str]] = {}
    for test in goal.baseline.passing():
        for path, lines in goal.baseline.lines.get(test, {}).items():
            for line in [0, *lines]:
                covering.setdefault((path, line), []).append(test)
    for tests in covering.values():
        tests.sort(key=lambda test: goal.baseline.outcomes[test].cpu_seconds)
    return covering
