"""The story: run the suite, find suspicious lines, try candidates, check the best one, write it."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import __version__, choose, files, report, spectra, validate
from .baseline import HANGING_CPU_SECONDS, Baseline, Outcome, measure, run_all
from .candidates import Kinds, ordered
from .goal import Goal, wanted_exceptions
from .pool import Plan, Pool, ServerLost
from .protocol import SCHEMA, Stream
from .search import Search
from .source import Source
from .trial import Findings, Plausible

COLLECT_SECONDS = 120.0
BASE_CPU_SECONDS = 3.0  # for one test of the unedited suite
VALIDATION_SHARE = 0.2  # of the time is kept for the final check
TYPED_TESTS = 4  # failing tests that are run once more to learn types
MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
MISSING_FIXTURE = re.compile(r"\bfixture '\w+' not found")
LOCATION = re.compile(r"^(\S+\.py):(\d+):", re.MULTILINE)


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
        self._report = report.Report()
        self.stop_requested = False

    def result(self) -> dict[str, Any]:
        self._report.seconds = time.monotonic() - self._started
        return self._report.result()

    def run(self) -> None:
        """Emits the whole stream, the end record included. Raises Stopped when a signal came."""
        self._stream.send("hello", version=__version__, schema=SCHEMA)
        own = [os.path.realpath(self._root / path) for path in files.source_files(self._root)]
        plan = Plan(
            self._root, own, files.import_paths(self._root), list(self._options.pytest_arguments),
            warm=self._options.workers,
        )  # fmt: skip
        try:
            with Pool(plan, self._pause) as pool:
                goal = self._find_goal(pool)
                if goal is None:
                    return
                plausible, findings = self._find_patches(pool, goal)
            self._deliver(plan, goal, plausible, findings)
        except ServerLost as error:
            self._fail(f"The tests could not be run: {error}", str(error))

    # --- what is wrong ---------------------------------------------------------------------------------------------

    def _find_goal(self, pool: Pool) -> Goal | None:
        """Run the suite; None (and an end record) when there is nothing to fix or nothing to run."""
        call = self._stream.call({"what": "the whole suite, twice", "directory": self._options.directory})
        code = pool.await_collection(min(COLLECT_SECONDS, self._options.seconds))
        if code is not None:
            reason = f"pytest ended with exit code {code}: {pool.stderr_tail()[-1500:] or 'no message'}"
            self._stream.answer(call, False, code, reason[:300], self._elapsed())
            self._fail(f"The tests could not be run: {reason}", reason)
            return None
        tests = [one["id"] for one in pool.collected]
        broken = [error["id"] for error in pool.errors if _lacks_module(error["text"], self._root)]
        unimportable = [error["id"] for error in pool.errors if error["id"] not in broken]
        if broken and not tests and not unimportable:
            reason = (
                f"packages are missing: {MISSING_MODULE.findall(pool.errors[0]['text'])}; give the repo a setup command"
            )
            self._stream.answer(call, False, 2, reason, self._elapsed())
            self._fail(f"No test could be imported, because {reason}.", reason)
            return None
        self._report.environment = broken
        if not tests and not unimportable:
            self._stream.answer(call, False, 5, "no tests collected", self._elapsed())
            self._fail("pytest collected no tests here, so there is nothing to repair by.", "no tests collected")
            return None
        per_test = max(1.0, min(BASE_CPU_SECONDS, self._options.seconds / 40))
        baseline = measure(pool, tests, per_test)
        goal = self._goal_of(baseline, unimportable)
        ok = not goal.failing and not unimportable
        self._stream.answer(call, ok, 0 if ok else 1, baseline.summary(), self._elapsed())
        self._report.failing, self._report.flaky = [*goal.unimportable, *goal.failing], baseline.flaky
        if ok:
            self._nothing_to_do(baseline)
            return None
        for error in pool.errors:
            baseline.outcomes.setdefault(error["id"], _import_failure(self._root, error))
        return goal

    def _goal_of(self, baseline: Baseline, unimportable: list[str]) -> Goal:
        """All failing tests, or those among them that were asked for, if any of them was."""
        failing = baseline.failing()
        missing = [test for test in failing if _lacks_module(baseline.outcomes[test].message, self._root)]
        if len(missing) < len(failing):
            failing = [test for test in failing if test not in missing]
            self._report.environment += missing
        wanted = [test for test in failing if any(_matches(test, name) for name in self._options.only)]
        wanted_files = [file for file in unimportable if any(_matches(file, name) for name in self._options.only)]
        if wanted or wanted_files:
            return Goal(wanted, baseline, wanted_files)
        return Goal(failing, baseline, unimportable)

    def _nothing_to_do(self, baseline: Baseline) -> None:
        self._report.no_changes = True
        text = f"All tests pass ({baseline.summary()}): nothing to repair."
        if baseline.flaky:
            text += f" Flaky, failing only now and then: {', '.join(baseline.flaky[:10])}."
        self._stream.message(text)
        self._stream.end(True, text, None, self.result())

    # --- where, and what might mend it -------------------------------------------------------------------------------

    def _find_patches(self, pool: Pool, goal: Goal) -> tuple[list[Plausible], Findings]:
        scores = spectra.line_scores(goal.baseline, goal.failing)
        for file in goal.unimportable:
            _add_import_lines(scores, goal.baseline.outcomes[file].frames, set(pool.loaded), self._root)
        sources = spectra.read_sources(self._root, scores)
        suspects = spectra.rank(scores, sources)
        self._report.suspects = suspects
        if self._report.environment:
            names = ", ".join(self._report.environment[:5])
            count = len(self._report.environment)
            self._stream.message(f"{count} failing tests need a package that is not installed here, left out: {names}")
        self._stream.message(report.diagnosis([*goal.unimportable, *goal.failing], goal.baseline, suspects))
        kinds = self._learn_types(pool, goal, sources)
        search = Search(pool, self._root, goal, sources, self._on_progress)
        search.note_original()
        deadline = self._started + self._options.seconds * (1 - VALIDATION_SHARE)
        findings = search.run(ordered(suspects, kinds, wanted_exceptions(goal)), deadline, self._options.candidates)
        self._report.tried = findings.tried
        by_path = {source.path: source for source in sources.values()}
        expected = choose.expected_constants(self._root, goal.failing)
        plausible = choose.rank(findings.plausible, by_path, expected)
        if not plausible and findings.partial:
            most = max(len(one.mends) for one in findings.partial)
            plausible = choose.rank([one for one in findings.partial if len(one.mends) == most], by_path, expected)
        return plausible, findings

    def _learn_types(self, pool: Pool, goal: Goal, sources: dict[str, Source]) -> Kinds:
        kinds: Kinds = {}
        for test in goal.failing[:TYPED_TESTS]:
            if goal.baseline.outcomes[test].outcome == "crashed":
                continue
            hangs = goal.baseline.outcomes[test].outcome == "timeout"
            limit = HANGING_CPU_SECONDS if hangs else min(3.0, self._options.seconds / 10)
            _, record = run_all(pool, [test], limit, record="types")
            for path, lines in record.items():
                if path not in sources:
                    continue
                for line, names in lines.items():
                    known = kinds.setdefault(sources[path].path, {}).setdefault(int(line), {})
                    for name, seen in names.items():
                        known.setdefault(name, set()).update(seen)
        return kinds

    def _on_progress(self, findings: Findings) -> None:
        best = findings.plausible[0].candidate if findings.plausible else None
        self._report.tried = findings.tried
        self._stream.progress(
            text=f"{findings.tried} candidates tried, {len(findings.plausible)} plausible",
            tried=findings.tried, plausible=len(findings.plausible), elapsed_seconds=round(self._elapsed(), 1),
            best=f"{best.path}:{best.line} {best.template}" if best else None,
        )  # fmt: skip

    # --- believing and writing ---------------------------------------------------------------------------------------

    def _deliver(self, plan: Plan, goal: Goal, plausible: list[Plausible], findings: Findings) -> None:
        """Check the plausible patches, best first, each in a fresh interpreter; write the first that holds."""
        per_test = max(2.0, min(BASE_CPU_SECONDS, self._options.seconds / 8))
        for number, one in enumerate(plausible):
            if number and self._elapsed() > self._options.seconds:
                break
            source = Source.read(self._root, one.candidate.path)
            patch = report.patch_record(one, source)
            call = self._stream.call({"what": "the whole suite with a patch, in a fresh interpreter", "patch": patch})
            before = self._elapsed()
            path = os.path.realpath(self._root / one.candidate.path)
            aim = replace(goal, failing=list(one.mends)) if one.mends else goal
            verdict = validate.validate(plan, path, one.compiled.text, aim, per_test, self._pause)
            summary = f"{verdict.passed} passed, {verdict.failed} failed" if verdict.ok else verdict.reason
            self._stream.answer(call, verdict.ok, 0 if verdict.ok else 1, summary, self._elapsed() - before)
            if not verdict.ok:
                continue
            self._pause()
            write_atomically(Path(path), source.encode(one.compiled.text))
            self._stream.send("file_change", path=one.candidate.path, kind="modified")
            self._report.patch, self._report.others = patch, len(plausible) - 1
            self._report.remaining = [test for test in goal.failing if test not in aim.failing]
            text = report.fixed_summary(self._report, verdict.passed)
            self._stream.message(text)
            self._stream.end(True, text, None, self.result())
            return
        text = report.unfixed_summary(self._report, findings)
        self._stream.message(text)
        self._stream.end(False, text, "no fix found", self.result())

    def _fail(self, text: str, error: str) -> None:
        self._stream.message(text)
        self._stream.end(False, text, error, self.result())

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _pause(self) -> None:
        if self.stop_requested:
            raise Stopped


def _matches(test: str, wanted: str) -> bool:
    """Whether a test id is meant by a name: the id itself, its file, or its last part."""
    parts = test.split("::")
    name = parts[-1].split("[")[0]
    return wanted in (test, parts[0], Path(parts[0]).name, name, parts[-1]) or test.startswith(wanted + "::")


def _lacks_module(message: str, root: Path) -> bool:
    """Whether a test fails because the environment lacks a package or pytest plugin, which no patch can mend."""
    if MISSING_FIXTURE.search(message):
        return True
    name = MISSING_MODULE.search(message)
    if name is None:
        return False
    top = name.group(1).split(".")[0]
    return not any((place / top).exists() or (place / f"{top}.py").exists() for place in (root, root / "src"))


def _import_failure(root: Path, error: dict[str, str]) -> Outcome:
    """What pytest said about a file that can't be imported: its last line tells why, its `file:line:` lines where."""
    reason = [line for line in error["text"].splitlines() if line.startswith("E ")] or error["text"].splitlines()[-1:]
    frames = [(os.path.realpath(root / path), int(line)) for path, line in LOCATION.findall(error["text"])]
    return Outcome("error", reason[-1][1:].strip() if reason else "could not be imported", frames=frames)


def _add_import_lines(
    scores: dict[str, dict[int, float]], frames: list[tuple[str, int]], loaded: set[str], root: Path
) -> None:
    own = [
        (path, line)
        for path, line in frames
        if path.startswith(str(root)) and not files.is_test_path(os.path.relpath(path, root))
    ]
    for number, (path, line) in enumerate(reversed(own)):
        known = scores.setdefault(path, {})
        known[line] = max(known.get(line, 0.0), 1.0 / (1 + number))


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file's content in one step, keeping its mode."""
    mode = stat.S_IMODE(path.stat().st_mode)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".repair-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(name, mode)  # noqa: PTH101
        os.replace(name, path)  # noqa: PTH105
    except BaseException:  # also on a signal: never leave the temporary file in the tree
        os.unlink(name)  # noqa: PTH108
        raise
