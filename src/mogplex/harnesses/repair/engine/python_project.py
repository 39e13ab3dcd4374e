"""A Python project behind the port: pytest, line spectra, edits of syntax trees, code that is replaced in place."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import choose, files, spectra
from .baseline import Baseline, measure
from .candidates import Candidates, Kinds, Listed
from .clues import BLAMED, NO_CLUES, clues_of, files_defining, functions_named, names_without_value, traced_back
from .edit import Candidate
from .evasion import evading
from .goal import Goal, Suite, too_slow
from .ground import Surroundings
from .hunt import Hunt
from .kinds import learn_kinds
from .oddities import is_reordered
from .pool import Plan, Pool
from .port import NoSuite
from .report import Report, distinct
from .runs import FINE, Outcome, Run, play
from .search import Search
from .simplify import keep_layout, parts_of, simplify
from .source import Source
from .spectra import Suspect
from .trial import Findings, Plausible
from .units import Compiler, encoded
from .validate import Verdict, validate

COLLECT_SECONDS = 120.0
BASE_CPU_SECONDS = 3.0  # for one test of the unedited suite
CHECKED_CPU_SECONDS = 15.0  # for one of a suite with a patch: it has shown that it ends, and may take its time
RECORD_SHARE = 0.08  # of the time goes into recording which lines tests run
MAX_WATCHED = 20  # of the best patches are watched whether failing tests still get to where they died
MAX_ENDED, MAX_SLOW = 4, 2  # of the best patches are asked whether some slow tests end with them
SIMPLIFY_SHARE = 0.06  # of the time at most
MISSING_MODULE = re.compile(r"(?:ModuleNotFoundError: N|ImportError: [Nn])o module named '?([\w.]+)")
MISSING_FIXTURE = re.compile(r"\bfixture '\w+' not found")
UNSUPPORTED = (
    "async def functions are not natively supported",  # what pytest says when no plugin runs coroutines
    "digits) for integer string conversion",  # a limit that newer Pythons have
)
TO_INSTALL = re.compile(r"\b(?:ImportError|ModuleNotFoundError): [^\n]*\binstall", re.IGNORECASE)
MISSING_FILE = re.compile(r"^[^\n]*\b(?:FileNotFoundError|ConnectionRefusedError|gaierror): ")
LOCATION = re.compile(r"^(\S+\.py):(\d+):", re.MULTILINE)


@dataclass(frozen=True)
class Settings:
    root: Path
    seconds: float
    workers: int
    pytest_arguments: tuple[str, ...]


class PythonProject:
    """Implements `port.Language`. Use as a context manager: leaving it ends every process it started."""

    def __init__(self, settings: Settings, pause: Callable[[], None]) -> None:
        self._settings = settings
        self._root = settings.root
        self._pause = pause
        own = [os.path.realpath(self._root / path) for path in files.source_files(self._root)]
        self._plan = Plan(
            self._root, own, files.import_paths(self._root), list(settings.pytest_arguments), warm=settings.workers
        )
        self._pool = Pool(self._plan, pause)
        self._sources: dict[str, Source] = {}
        self._kinds: Kinds = {}
        self._clues = NO_CLUES
        self._crashes: set[tuple[str, int]] = set()  # (real path, line) that failing tests died at of a wrong type
        self._hunt: Hunt | None = None

    def __enter__(self) -> PythonProject:
        self._pool.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._pool.__exit__(*details)

    # --- tests -------------------------------------------------------------------------------------------------------

    def run_tests(self) -> Suite:
        pool = self._pool
        code = pool.await_collection(min(COLLECT_SECONDS, self._settings.seconds))
        if code is not None:
            raise NoSuite(f"pytest ended with exit code {code}: {pool.stderr_tail()[-1500:] or 'no message'}", code)
        tests = [one["id"] for one in pool.collected]
        broken = [error["id"] for error in pool.errors if _lacks_module(error["text"], self._root)]
        unimportable = [error["id"] for error in pool.errors if error["id"] not in broken]
        if broken and not tests and not unimportable:
            names = ", ".join(MISSING_MODULE.findall(pool.errors[0]["text"]))
            raise NoSuite(
                f"no test could be imported, because packages are missing ({names}); give the repo a setup command", 2
            )
        if not tests and not unimportable:
            raise NoSuite("no tests collected: pytest found none here, so there is nothing to repair by", 5)
        per_test = self._test_seconds()
        baseline = measure(pool, tests, per_test, self._settings.seconds * RECORD_SHARE)
        for error in pool.errors:
            baseline.outcomes.setdefault(error["id"], _import_failure(self._root, error))
        failing = [test for test in baseline.failing() if test in set(tests)]
        missing = [
            test for test in failing
            if _lacks_module(baseline.outcomes[test].message, self._root) or self._lacks_file(test, baseline)
        ]  # fmt: skip
        if len(missing) < len(failing) or unimportable:
            failing = [test for test in failing if test not in missing]
            broken += missing
        slow = too_slow(failing, baseline, per_test)
        return Suite(baseline, [test for test in failing if test not in slow], unimportable, broken, slow)

    def _lacks_file(self, test: str, baseline: Baseline) -> bool:
        """Whether a test fails for want of a file or a service before it has run any code of the repo."""
        one = baseline.outcomes[test]
        own = set(self._own_files())
        is_innocent = not own & {path for path, _ in one.frames} and not own & baseline.lines.get(test, {}).keys()
        return is_innocent and not one.spawns and test in baseline.lines and bool(MISSING_FILE.search(one.message))

    # --- where -------------------------------------------------------------------------------------------------------

    def spectra(self, goal: Goal, report: Report) -> list[Suspect]:
        scores = spectra.line_scores(goal.baseline, goal.failing)
        for file in goal.unimportable:
            _add_import_lines(scores, goal.baseline.outcomes[file].frames, set(self._pool.loaded), self._root)
        named = functions_named(self._root, goal)
        miscalled = [name for name, score in named.items() if score == BLAMED]
        if miscalled or not scores:
            for path in files_defining(self._own_files(), miscalled or named):
                scores.setdefault(path, {})
        if not any(scores.values()):
            messages = [goal.baseline.outcomes[test].message for test in goal.failing]
            scores.update(spectra.scores_by_words(self._own_files(), messages))
        self._sources = spectra.read_sources(self._root, scores)
        real = {source.path: path for path, source in self._sources.items()}
        relative = {path: name for name, path in real.items()}
        self._clues = traced_back(clues_of(goal, self._root, relative), self._sources.values())
        broken = {(real[name], line) for name, line in self._clues.clashes if (name, line) not in self._clues.origins}
        origins = {(real[name], line): steps for (name, line), steps in self._clues.origins.items()}
        self._crashes = broken
        spectra.raise_origins(scores, origins, broken)
        suspects = spectra.rank(scores, self._sources, named)
        for one in distinct(suspects):
            where = (one.path, one.line)
            report.evidence[where] = spectra.evidence_of(
                goal.baseline, [*goal.unimportable, *goal.failing], real[one.path], one.line, set(real.values())
            )
        return suspects

    def _own_files(self) -> list[str]:
        """Files of the repo that the tests import, tests left out."""
        inside = (path for path in self._pool.loaded if path.startswith(str(self._root) + os.sep))
        return [path for path in inside if not files.is_test_path(os.path.relpath(path, self._root))]

    # --- what --------------------------------------------------------------------------------------------------------

    def edits(self, goal: Goal, suspects: list[Suspect]) -> Candidates:
        self._kinds = learn_kinds(self._pool, goal, self._sources, self._settings.seconds)
        return Candidates(suspects, self._kinds, self._clues)

    # --- does it -----------------------------------------------------------------------------------------------------

    def try_out(
        self,
        goal: Goal,
        candidates: Candidates,
        deadline: float,
        limit: int,
        on_progress: Callable[[Findings], None],
        refused: Sequence[Plausible] = (),
    ) -> Findings:
        if self._hunt is None or self._hunt.candidates is not candidates:
            around = Surroundings(
                self._pool, self._root, goal, self._sources, self._kinds, names_without_value(goal),
                frozenset(self._clues.clashes),
            )  # fmt: skip
            self._hunt = Hunt(around, candidates, limit, on_progress)
        self._hunt.refuse(refused)
        return self._hunt.run(deadline)

    def choose(self, findings: Findings, goal: Goal) -> list[Plausible]:
        by_path = {source.path: source for source in self._sources.values()}
        expected = choose.expected_constants(self._root, goal.failing)
        place = (by_path, expected, self._clues.clashes)
        whole = findings.plausible or findings.dodging
        plausible = choose.rank(whole, *place)
        if hiding := evading(self._pool, goal, self._sources, self._crashes, plausible[:MAX_WATCHED]):
            plausible = choose.rank(whole, *place, hiding)
        plausible = plausible or choose.rank_parts(findings.partial or findings.apart, *place)
        if goal.slow:
            plausible[:MAX_ENDED] = sorted(plausible[:MAX_ENDED], key=lambda one: -self._ended(one, goal))
        if plausible and not plausible[0].mends:
            plausible[0] = self._simplified(plausible[0], goal)
        return plausible

    def _ended(self, one: Plausible, goal: Goal) -> int:
        """How many of the slow tests pass with this patch in the time that others have."""
        if one.compiled.code is None:
            return 0
        path = os.path.realpath(self._root / one.candidate.path)
        run = Run(goal.slow[:MAX_SLOW], self._test_seconds(), under=encoded(one.compiled, path))
        play(self._pool, run)
        return sum(outcome.outcome in FINE for outcome in run.outcomes.values())

    def _test_seconds(self) -> float:
        """CPU time for one test of the unedited suite."""
        return max(1.0, min(BASE_CPU_SECONDS, self._settings.seconds / 40))

    def _simplified(self, one: Plausible, goal: Goal) -> Plausible:
        """With what isn't needed undone, each step proven by the tests; in the layout that the file had."""
        path = os.path.realpath(self._root / one.candidate.path)
        source = self._sources[path]
        until = time.monotonic() + self._settings.seconds * SIMPLIFY_SHARE

        def passes(smaller: list[Candidate]) -> Candidate | None:
            search = Search(self._pool, goal, {path: source}, lambda findings: None)
            search.note_original()
            search.add(Listed(smaller))
            found = [plausible.candidate for plausible in search.run(until, until, len(smaller)).plausible]
            return next((candidate for candidate in smaller if candidate in found), None)

        if is_reordered(*choose.hunk(source, one.candidate.edits)):
            return one  # half of it would be a statement that stands twice
        candidate = simplify(one.candidate, source.text, passes)
        if candidate is not one.candidate:
            one = replace(one, candidate=candidate, compiled=Compiler(source, path).compile(candidate))
        laid_out = keep_layout(source.text, one.compiled.text)
        if laid_out == one.compiled.text:
            return one
        told = replace(candidate, edits=tuple(parts_of(source.text, laid_out)))
        return replace(one, candidate=told, compiled=replace(one.compiled, text=laid_out))

    def validate(self, plausible: Plausible, goal: Goal) -> Verdict:
        per_test = max(2.0, min(CHECKED_CPU_SECONDS, self._settings.seconds / 6))
        path = os.path.realpath(self._root / plausible.candidate.path)
        text = plausible.compiled.text
        data = Source.read(self._root, plausible.candidate.path).encode(text)
        return validate(replace(self._plan, shelf=self._pool.shelf), path, text, data, goal, per_test, self._pause)

    def write(self, plausible: Plausible) -> None:
        path = Path(os.path.realpath(self._root / plausible.candidate.path))
        source = Source.read(self._root, plausible.candidate.path)
        write_atomically(path, source.encode(plausible.compiled.text))


def _lacks_module(message: str, root: Path) -> bool:
    """Whether a test fails because the environment lacks a package or pytest plugin, which no patch can mend."""
    if MISSING_FIXTURE.search(message) or any(words in message for words in UNSUPPORTED) or TO_INSTALL.search(message):
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
        os.chmod(name, mode)  # noqa: PTH101  # mkstemp gives a name, not a Path
        os.replace(name, path)  # noqa: PTH105  # the same
    except BaseException:  # also on a signal: never leave the temporary file in the tree
        os.unlink(name)  # noqa: PTH108  # the same
        raise
