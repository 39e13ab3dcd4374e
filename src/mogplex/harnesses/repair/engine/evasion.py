"""Patches that keep failing tests from getting to the line that they died at: what is wrong there may be hidden."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from .goal import FEW_QUICK_SECONDS, Goal
from .ground import OBSERVED_CPU_SECONDS, inserts_lines, moved
from .pool import Pool
from .runs import Run, play
from .source import Source, header_lines
from .trial import Plausible
from .units import encoded

MAX_TESTS = 2
LOOKED_UP = re.compile(r"^[^\s:]+:(\d+): (?:KeyError|IndexError)\b")
Place = tuple[str, int]  # (real path, line)


def evading(
    pool: Pool, goal: Goal, sources: Mapping[str, Source], crashes: set[Place], patches: Sequence[Plausible]
) -> set[str]:
    """The texts of those of the patches that keep each of a few failing tests from the line it broke off at, one of
    `crashes` or one that looked for what isn't there, without an edit of that line, and bring in no lines, for those
    of a guard are there for that. `sources` by real path."""
    real = {source.path: path for path, source in sources.items()}
    asked: dict[str, Place] = {}
    outcomes = goal.baseline.outcomes
    for test in sorted(goal.failing, key=lambda test: outcomes[test].seconds):
        outcome = outcomes[test]
        place = outcome.frames[-1] if outcome.frames else None
        if place is None or outcome.outcome != "failed" or outcome.seconds > FEW_QUICK_SECONDS:
            continue
        statement = _statement_at(place, sources)
        missed = LOOKED_UP.search(outcome.message) if statement is not None else None
        is_crash = place in crashes or (missed is not None and int(missed.group(1)) == place[1])
        if is_crash and not isinstance(statement, ast.Raise):  # a raise is there to be got round
            asked[test] = place
        if len(asked) == MAX_TESTS:
            break
    if not asked:
        return set()
    watched: list[tuple[Plausible, Run]] = []
    for one in patches:
        path = real[one.candidate.path]
        is_guard = one.compiled.growth > 0 or inserts_lines(one.candidate, sources[path])
        is_about = is_guard or any(_edits(one, path, place, sources) for place in asked.values())
        if one.compiled.code is not None and not is_about:
            under = encoded(one.compiled, path)
            watched.append((one, Run(list(asked), OBSERVED_CPU_SECONDS, record="lines", under=under)))
    play(pool, *(run for _, run in watched))
    return {one.compiled.text for one, run in watched if _keeps_away(one, real[one.candidate.path], asked, run)}


def _keeps_away(one: Plausible, path: str, asked: Mapping[str, Place], run: Run) -> bool:
    """Whether none of the tests got to its place, as far as all of them were recorded."""
    is_known = run.recorded.keys() >= asked.keys()
    return is_known and not any(_place_after(one, path, place) in _lines(run, test) for test, place in asked.items())


def _lines(run: Run, test: str) -> set[Place]:
    return {(path, line) for path, lines in run.recorded[test].items() for line in lines}


def _edits(one: Plausible, path: str, place: Place, sources: Mapping[str, Source]) -> bool:
    """Whether a patch touches the statement that begins or ends on that line."""
    inner = _statement_at(place, sources)
    if path != place[0] or inner is None:
        return False
    source = sources[path]
    own = header_lines(inner)
    first, last = source.line_start(own[0]), source.line_start(own[-1] + 1)
    return one.candidate.touches(first, last)


def _statement_at(place: Place, sources: Mapping[str, Source]) -> ast.stmt | None:
    """The innermost one on that line."""
    statements = sources[place[0]].statements if place[0] in sources else []
    around = [node for node in statements if node.lineno <= place[1] <= (node.end_lineno or node.lineno)]
    return max(around, key=lambda node: (node.lineno, node.col_offset), default=None)


def _place_after(one: Plausible, path: str, place: Place) -> Place:
    """Where the line is with the patch."""
    return (path, moved(place[1], one.candidate.line, one.compiled.growth)) if path == place[0] else place
