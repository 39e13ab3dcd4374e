"""Where the fault probably is: statements that failing tests run and passing tests don't (Ochiai)."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .baseline import Baseline
from .files import is_tool_path
from .source import FUNCTIONS, AnyFunction, Source, header_lines

CRASH_BONUS = 1.6  # the innermost of the repo's own lines in a failing test's traceback
FRAME_BONUS = 1.2
SIGNATURE_SHARE = 0.7  # `def` lines and import-time statements run in no test; they inherit from what uses them
GLOBAL_SHARE = 0.7
ORIGIN_SHARE = 0.8
APART_SHARE = 0.5  # what the failing tests of one file say, of several: most likely all of them meet one fault
NOBODY: Mapping[str, float] = {}
TOOL_FACTOR = 0.3
NEAR_BONUS = 1.4
NAMED = re.compile(r"'([^'\n]{3,40})'")
NAMED_SCORE = 0.8
MAX_SUSPECTS = 600


@dataclass(frozen=True)
class Suspect:
    """One statement and how suspicious it is: 0 to about 1.6; more on top of an edit near by."""

    path: str
    line: int
    score: float
    statement: ast.stmt
    source: Source

    @property
    def text(self) -> str:
        return self.source.line_text(self.line).strip()


@dataclass(frozen=True)
class Evidence:
    """Why a line is suspected. `broke_off`: it is the innermost line of ours in a failing test's traceback."""

    failing: int
    targets: int
    passing: int
    broke_off: bool
    on_the_way: bool

    def __str__(self) -> str:
        where = (
            ", a failing test broke off here"
            if self.broke_off
            else ", on the way to a failure"
            if self.on_the_way
            else ""
        )
        if not self.failing:
            return f"runs at import, or is what suspicious lines use{where}"
        return f"run by {self.failing} of {self.targets} failing and {self.passing} passing tests{where}"


def evidence_of(baseline: Baseline, failing: list[str], path: str, line: int, own: set[str]) -> Evidence:
    """`path` and those in `own` (the files that are suspected) are real paths."""
    good = set(baseline.passing())
    runs = [test for test, files in baseline.lines.items() if line in files.get(path, ())]
    broke, way = False, False
    for test in failing:
        frames = [place for place in baseline.outcomes[test].frames if place[0] in own]
        broke = broke or bool(frames and frames[-1] == (path, line))
        way = way or (path, line) in frames
    targets = set(failing)
    return Evidence(sum(test in targets for test in runs), len(failing), sum(test in good for test in runs), broke, way)


def ochiai(failed_covering: float, passed_covering: float, failed: float) -> float:
    """1 for a line that all failing and no passing tests run, 0 for one that no failing test runs."""
    if not failed_covering:
        return 0.0
    return failed_covering / math.sqrt(failed * (failed_covering + passed_covering))


def line_scores(baseline: Baseline, failing: list[str]) -> dict[str, dict[int, float]]:
    """Real path -> line -> suspicion.

    The fewer lines a test runs, the more it says of each, so it counts for one through their number. Each test file is
    looked at on its own as well: failing tests of different files may fail for unlike reasons, and one that no patch
    can mend must not make the others' lines look innocent.
    """
    groups: dict[str, list[str]] = {}
    for test in failing:
        groups.setdefault(test.split("::")[0], []).append(test)
    scores: dict[str, dict[int, float]] = {}
    apart = list(groups.values()) if len(groups) > 1 else []
    for targets, share in [(failing, 1.0), *((group, APART_SHARE) for group in apart)]:
        for (path, line), score in _group_scores(baseline, set(targets)).items():
            lines = scores.setdefault(path, {})
            lines[line] = max(lines.get(line, 0.0), score * share)
    _raise_traceback_lines(scores, baseline, failing)
    return scores


def _group_scores(baseline: Baseline, targets: set[str]) -> dict[tuple[str, int], float]:
    failed: dict[tuple[str, int], float] = {}
    passed: dict[tuple[str, int], float] = {}
    good = set(baseline.passing())
    known = 0.0
    for test, files in baseline.lines.items():
        count = sum(len(lines) for lines in files.values())
        weight = 1 / count if count else 0.0  # one that runs nothing of ours says nothing
        if test in targets:
            counts, known = failed, known + weight
        elif test in good:
            counts = passed
        else:
            continue
        for path, lines in files.items():
            for line in lines:
                counts[path, line] = counts.get((path, line), 0.0) + weight
    return {place: min(1.0, ochiai(count, passed.get(place, 0.0), known)) for place, count in failed.items()}


def _raise_traceback_lines(scores: dict[str, dict[int, float]], baseline: Baseline, failing: list[str]) -> None:
    bonus: dict[tuple[str, int], float] = {}
    for test in failing:
        own = [(path, line) for path, line in baseline.outcomes[test].frames if path in scores]
        for number, place in enumerate(reversed(own)):
            bonus[place] = max(bonus.get(place, 1.0), CRASH_BONUS if number == 0 else FRAME_BONUS)
    for (path, line), factor in bonus.items():
        scores[path][line] = max(scores[path].get(line, 0.0), 0.3) * factor


def scores_by_words(paths: Iterable[str], messages: Iterable[str]) -> dict[str, dict[int, float]]:
    """Lines of files (real paths) with a text that a failure names: all there is to go by when the failing tests run
    nothing of the files, for that was done when they were imported. A file that can't be read is left out."""
    named = {text for message in messages for text in NAMED.findall(message)}
    scores: dict[str, dict[int, float]] = {}
    for path in sorted(paths) if named else ():
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            continue
        said = [number for number, line in enumerate(lines, 1) if named & set(NAMED.findall(line.replace('"', "'")))]
        if said:
            scores[path] = dict.fromkeys(said, NAMED_SCORE)
    return scores


def raise_origins(
    scores: dict[str, dict[int, float]], origins: Mapping[tuple[str, int], int], clashes: Container[tuple[str, int]]
) -> None:
    """Suspect the lines that a wrong type may come from: each step back a little less than the line it was found on.
    Places are real path and line; only lines that failing tests run are raised."""
    broken = [scores[path].get(line, 0.0) for path in scores for line in scores[path] if (path, line) in clashes]
    highest = max(broken, default=0.0)
    for (path, line), steps in origins.items():
        if scores.get(path, {}).get(line):
            scores[path][line] = max(scores[path][line], highest * ORIGIN_SHARE**steps)


def rank(
    scores: dict[str, dict[int, float]], sources: dict[str, Source], named: Mapping[str, float] = NOBODY
) -> list[Suspect]:
    """Statements by falling suspicion. `sources` maps real paths to parsed files, `named` functions that failing tests
    speak of to what that makes of them."""
    suspects: list[Suspect] = []
    for path, source in sources.items():
        lines = scores.get(path, {})
        factor = TOOL_FACTOR if is_tool_path(source.path) else 1.0
        direct: dict[ast.stmt, float] = {}
        for statement in source.statements:
            score = factor * max((lines.get(line, 0.0) for line in header_lines(statement)), default=0.0)
            is_nested = isinstance(statement, FUNCTIONS) and source.function_of(statement) is not None
            if score and (is_nested or not isinstance(statement, (*FUNCTIONS, ast.ClassDef))):
                direct[statement] = score  # the header of a function in a function runs as other lines do
        inherited = _inherit(source, direct, named)
        for statement, score in {**inherited, **direct}.items():
            suspects.append(Suspect(source.path, statement.lineno, score, statement, source))
    suspects.sort(key=lambda suspect: (-suspect.score, suspect.path, suspect.line))
    return suspects[:MAX_SUSPECTS]


def nearest_first(suspects: Sequence[Suspect], line: int) -> list[Suspect]:
    """The suspects of one file by falling suspicion, when one fault was on that line: faults of one origin mostly lie
    in one function."""
    functions = [one for one in suspects[0].source.statements if isinstance(one, FUNCTIONS)] if suspects else []
    around = [one for one in functions if one.lineno <= line <= (one.end_lineno or one.lineno)]
    own = max(around, key=lambda one: one.lineno, default=None)
    inside = [own is not None and own in (one.statement, one.source.function_of(one.statement)) for one in suspects]
    near = [
        replace(one, score=one.score * NEAR_BONUS) if is_inside else one for one, is_inside in zip(suspects, inside)
    ]
    return sorted(near, key=lambda one: (-one.score, one.line))


def _inherit(source: Source, direct: dict[ast.stmt, float], named: Mapping[str, float]) -> dict[ast.stmt, float]:
    """Suspicion of what runs at import: signatures, and assignments whose name a suspicious statement reads."""
    inherited: dict[ast.stmt, float] = {}
    reads: dict[str, float] = {}
    for statement, score in direct.items():
        function = source.function_of(statement)
        if function is not None:
            inherited[function] = max(inherited.get(function, 0.0), score * SIGNATURE_SHARE)
        for node in ast.walk(statement):
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
            if name is not None:
                reads[name] = max(reads.get(name, 0.0), score)
    for statement in source.statements:
        if source.function_of(statement) is None and isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            score = max((reads.get(name, 0.0) for name in names), default=0.0)
            if score and statement.value is not None and statement not in direct:
                inherited[statement] = score * GLOBAL_SHARE
        elif isinstance(statement, FUNCTIONS) and (score := _named_score(source, statement, named)):
            inherited[statement] = max(inherited.get(statement, 0.0), score)
    return inherited


def _named_score(source: Source, function: AnyFunction, named: Mapping[str, float]) -> float:
    owner = source.class_of(function)
    return max(named.get(function.name, 0.0), named.get(f"{owner.name}.{function.name}", 0.0) if owner else 0.0)


def read_sources(root: Path, scores: dict[str, dict[int, float]]) -> dict[str, Source]:
    """Parse the files that failing tests run; a file that can't be parsed is left out (pytest has already told why)."""
    sources: dict[str, Source] = {}
    for path in scores:
        try:
            sources[path] = Source.read(root, str(Path(path).relative_to(root)))
        except (OSError, SyntaxError, ValueError):
            continue
    return sources
