"""The story: run the suite, find suspicious places, try candidates, check the best one, write it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import __version__, choose, report, summary
from .candidates import Candidates
from .goal import Goal, Suite, aimed
from .pool import ServerLost
from .port import Language, NoSuite
from .protocol import SCHEMA, Stream
from .python_project import PythonProject, Settings
from .source import Source
from .trial import Findings, Plausible
from .validate import Verdict

LEAST_CHECK_SHARE = 0.1  # of the time is kept for the final check
CHECK_SHARE, CHECKS = 0.2, 4  # up to this share of it for so many checks, if the first patches don't hold
LONGEST_CHECK_SHARE = 0.45  # and up to this for one of a slow suite
MORE_CHECKS = 2  # when a patch mends all but tests that start programs
CHECK_PASSES = 1.3  # what a check takes, in runs of the whole suite


class Stopped(BaseException):
    """A signal asked us to stop."""


@dataclass(frozen=True)
class Options:
    directory: str
    seconds: float
    candidates: int
    workers: int
    only: tuple[str, ...]
    pytest_arguments: tuple[str, ...] = ()


class Repair:
    """One run of the engine. Everything that is said goes to `stream`."""

    def __init__(self, options: Options, stream: Stream) -> None:
        self._options = options
        self._stream = stream
        self._root = Path(options.directory)
        self._started = time.monotonic()
        self._deadline = self._started + options.seconds * (1 - LEAST_CHECK_SHARE)
        self._report = report.Report()
        self.stop_requested = False

    def result(self) -> dict[str, Any]:
        self._report.seconds = self._elapsed()
        return self._report.result()

    def run(self) -> None:
        """Emits the whole stream, the end record included. Raises Stopped when a signal came."""
        self._stream.send("hello", version=__version__, schema=SCHEMA)
        options = self._options
        settings = Settings(self._root, options.seconds, options.workers, options.pytest_arguments)
        try:
            with PythonProject(settings, self._pause) as project:
                goal = self._find_goal(project)
                if goal is None:
                    return
                self._mend(project, goal)
        except ServerLost as error:
            self._fail(f"The tests could not be run: {error}", str(error))

    # --- what is wrong ---------------------------------------------------------------------------------------------

    def _find_goal(self, project: Language) -> Goal | None:
        """Run the suite; None (and an end record) when there is nothing to fix or nothing to run."""
        call = self._stream.call({"what": "the whole suite, twice", "directory": self._options.directory})
        try:
            suite = project.run_tests()
        except NoSuite as refusal:
            self._stream.answer(call, False, refusal.exit_code, str(refusal)[:300], self._elapsed())
            self._fail(f"The tests could not be run: {refusal}", str(refusal))
            return None
        self._report.timing["suite"] = self._elapsed()
        check = suite.baseline.pass_seconds * CHECK_PASSES
        whole = self._options.seconds
        kept = max(min(whole * LONGEST_CHECK_SHARE, check), min(whole * CHECK_SHARE, check * CHECKS))
        self._deadline = min(self._deadline, self._started + whole - kept)
        goal = self._goal_of(suite)
        ok = not goal.failing and not goal.unimportable
        self._stream.answer(call, ok, 0 if ok else 1, suite.baseline.summary(), self._elapsed())
        self._report.failing, self._report.flaky = [*goal.unimportable, *goal.failing, *goal.far], suite.baseline.flaky
        self._report.environment, self._report.slow = suite.environment, goal.slow
        for test in self._report.failing:
            lines = suite.baseline.outcomes[test].message.strip().splitlines()
            self._report.reasons[test] = lines[0][:500] if lines else ""
        if ok:
            self._nothing_to_do(suite)
            return None
        return goal

    def _goal_of(self, suite: Suite) -> Goal:
        """All failing tests, or those among them that were asked for, if any of them was."""
        every = [*suite.failing, *suite.slow]
        wanted = [test for test in every if any(_matches(test, name) for name in self._options.only)]
        wanted_files = [file for file in suite.unimportable if any(_matches(file, name) for name in self._options.only)]
        return aimed(suite, wanted, wanted_files)

    def _nothing_to_do(self, suite: Suite) -> None:
        self._report.no_changes = True
        flaky = suite.baseline.flaky
        found = "No test fails each time" if flaky else "All tests pass"
        text = f"{found} ({suite.baseline.summary()}): nothing to repair."
        if flaky:
            text += f" Left out, since they fail only now and then or after other tests: {', '.join(flaky[:10])}."
        self._stream.message(text)
        self._stream.end(True, text, None, self.result())

    # --- where, and what might mend it -------------------------------------------------------------------------------

    def _mend(self, project: Language, goal: Goal) -> None:
        """Look for patches and check them, until one holds; write that."""
        candidates = self._find_candidates(project, goal)
        plausible, findings = self._find_patches(project, goal, candidates)
        best = self._best(project, goal, plausible)
        while best is None and plausible and time.monotonic() < self._deadline:
            refused, tried = findings.found(), findings.tried
            plausible, findings = self._find_patches(project, goal, candidates, refused)
            if findings.tried == tried:
                break
            best = self._best(project, goal, plausible)
        if best is not None:
            self._write(project, goal, plausible, *best)
            return
        text = summary.unfixed(self._report, findings)
        self._stream.message(text)
        self._stream.end(False, text, "no fix found", self.result())

    def _find_candidates(self, project: Language, goal: Goal) -> Candidates:
        before = self._elapsed()
        suspects = project.spectra(goal, self._report)
        self._report.suspects = suspects
        if self._report.environment:
            names = ", ".join(self._report.environment[:5])
            count = len(self._report.environment)
            lacking = "fail for a package, plugin or file that is not here, or at a limit of Python; left out"
            self._stream.message(f"{count} failing tests {lacking}: {names}")
        self._stream.message(summary.diagnosis(self._report))
        candidates = project.edits(goal, suspects)
        self._report.timing["edits"] = self._elapsed() - before
        return candidates

    def _find_patches(
        self, project: Language, goal: Goal, candidates: Candidates, refused: Sequence[Plausible] = ()
    ) -> tuple[list[Plausible], Findings]:
        before = self._elapsed()
        limit = self._options.candidates
        findings = project.try_out(goal, candidates, self._deadline, limit, self._on_progress, refused)
        self._spend("search", before)
        self._report.tried, self._report.tried_kinds = findings.tried, findings.kinds
        self._report.partial = [self._record(one, goal) for one in findings.best_steps()]
        return project.choose(findings, goal), findings

    def _record(self, one: Plausible, goal: Goal) -> dict[str, Any]:
        expected = choose.expected_constants(self._root, goal.failing)
        record = report.patch_record(one, Source.read(self._root, one.candidate.path), expected)
        return {**record, "mends": len(one.mends)} if one.mends else record

    def _on_progress(self, findings: Findings) -> None:
        best = findings.plausible[0].candidate if findings.plausible else None
        left = max(0.0, self._options.seconds - self._elapsed())
        self._report.tried = findings.tried
        self._stream.progress(
            text=f"{findings.tried} candidates tried, {len(findings.plausible)} plausible, {left:.0f} s left",
            tried=findings.tried, plausible=len(findings.plausible), elapsed_seconds=round(self._elapsed(), 1),
            seconds_left=round(left, 1), best=f"{best.path}:{best.line} {best.template}" if best else None,
        )  # fmt: skip

    # --- believing and writing ---------------------------------------------------------------------------------------

    def _best(self, project: Language, goal: Goal, plausible: list[Plausible]) -> tuple[Plausible, Verdict] | None:
        """Check the plausible patches, best first, each in a fresh interpreter: the first that holds, if any does.

        One that leaves a target failing is taken only if a few more do no better. Tests that a patch spoils are
        among those that later ones are tried on.
        """
        start = before = self._elapsed()
        best: tuple[Plausible, Verdict] | None = None
        longest = 0.0
        for number, one in enumerate(plausible):
            longest, before = max(longest, self._elapsed() - before), self._elapsed()
            if number and before + longest > self._options.seconds:
                break
            verdict = self._check(project, goal, one)
            goal.mended += [test for test in verdict.spoiled if test not in goal.failing and test not in goal.mended]
            if verdict.ok and (best is None or _left(verdict) < _left(best[1])):
                best = one, verdict
            if best is not None and (not (best[1].missed or best[0].mends) or number >= MORE_CHECKS):
                break
        self._spend("check", start)
        return best

    def _check(self, project: Language, goal: Goal, one: Plausible) -> Verdict:
        patch = self._record(one, goal)
        call = self._stream.call({"what": "the whole suite with a patch, in a fresh interpreter", "patch": patch})
        before = self._elapsed()
        verdict = project.validate(one, replace(goal, failing=list(one.mends)) if one.mends else goal)
        told = f"{verdict.passed} passed, {verdict.failed} failed" if verdict.ok else verdict.reason
        self._stream.answer(call, verdict.ok, 0 if verdict.ok else 1, told, self._elapsed() - before)
        return verdict

    def _write(
        self, project: Language, goal: Goal, plausible: list[Plausible], one: Plausible, verdict: Verdict
    ) -> None:
        self._pause()
        others = [other for other in plausible if other is not one]
        self._report.patch, self._report.others = self._record(one, goal), len(others)  # of the file as it is
        self._report.alternatives = [self._record(other, goal) for other in others[: report.SHOWN_ALTERNATIVES]]
        project.write(one)
        self._stream.send("file_change", path=one.candidate.path, kind="modified")
        left = [test for test in goal.failing if one.mends and test not in one.mends]
        self._report.remaining = [*left, *verdict.missed]
        text = summary.fixed(self._report, verdict.passed)
        self._stream.message(text)
        self._stream.end(True, text, None, self.result())

    def _fail(self, text: str, error: str) -> None:
        self._stream.message(text)
        self._stream.end(False, text, error, self.result())

    def _spend(self, what: str, since: float) -> None:
        self._report.timing[what] = self._report.timing.get(what, 0.0) + self._elapsed() - since

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _pause(self) -> None:
        if self.stop_requested:
            raise Stopped


def _left(verdict: Verdict) -> tuple[int, int]:
    """What still fails with a patch: the less the better."""
    return len(verdict.missed), verdict.failed


def _matches(test: str, wanted: str) -> bool:
    """Whether a test id is meant by a name: the id itself, its file, or its last part."""
    parts = test.split("::")
    name = parts[-1].split("[")[0]
    return wanted in (test, parts[0], Path(parts[0]).name, name, parts[-1]) or test.startswith(wanted + "::")
