"""Where in the order of candidates does the right patch stand? Doesn't depend on how busy the machine is.

A place is the number of candidates before it; None when no candidate is the right patch, as for most two-line bugs.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from mogplex.harnesses.repair.engine.edit import Candidate, apply_edits
from mogplex.harnesses.repair.engine.goal import Goal
from mogplex.harnesses.repair.engine.python_project import PythonProject, Settings
from mogplex.harnesses.repair.engine.report import Report

SECONDS = 60.0
MARGIN = 90  # characters around the difference in which a right edit must lie
BLANK = re.compile(r"[\s()\"']+")  # what two texts of the same meaning may differ in; the syntax tree decides


@dataclass(frozen=True)
class Standing:
    """`suspect` is the right line's place among the suspects, and `suspicion` its score; None when it is none."""

    place: int | None
    template: str
    score: float
    suspect: int | None
    suspicion: float
    failing: int

    def __str__(self) -> str:
        where = f"at {self.place:6} ({self.template}, {self.score:.4f})" if self.place is not None else "not there"
        line = "no suspect" if self.suspect is None else f"suspect {self.suspect} ({self.suspicion:.2f})"
        return f"{where}; {line}; {self.failing} tests fail"


def standing(root: Path, path: str, original: str) -> Standing:
    """Of the patch that gives the file `path` of the broken tree `root` its original text back."""
    broken = (root / path).read_text()
    with PythonProject(Settings(root, SECONDS, 1, ()), lambda: None) as project:
        suite = project.run_tests()
        goal = Goal(suite.failing, suite.baseline, suite.unimportable)
        suspects = project.spectra(goal, Report())
        candidates = project.edits(goal, suspects)
    start, end = difference(broken, original)
    line = broken.count("\n", 0, start) + 1
    wanted, squeezed = ast.dump(ast.parse(original)), BLANK.sub("", original)
    near = [(number, one) for number, one in enumerate(suspects) if one.path == path and abs(one.line - line) <= 1]
    suspect = min(near, key=lambda one: (one[1].line != line, one[0]), default=None)
    span = (start - MARGIN, end + MARGIN)
    right = next(
        ((number, one) for number, one in enumerate(candidates)
         if one.path == path and is_right(one, broken, span, squeezed, wanted)),
        None,
    )  # fmt: skip
    return Standing(
        right[0] if right else None, right[1].template if right else "", right[1].score if right else 0.0,
        suspect[0] if suspect else None, suspect[1].score if suspect else 0.0, len(goal.failing),
    )  # fmt: skip


def difference(one: str, other: str) -> tuple[int, int]:
    """The span of `one` outside of which both texts are alike."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return start, len(one) - end


def is_right(candidate: Candidate, broken: str, span: tuple[int, int], squeezed: str, wanted: str) -> bool:
    edits = candidate.edits
    if min(edit.start for edit in edits) < span[0] or max(edit.end for edit in edits) > span[1]:
        return False
    text = apply_edits(broken, edits)
    if BLANK.sub("", text) != squeezed:
        return False
    try:
        return ast.dump(ast.parse(text)) == wanted
    except SyntaxError:
        return False
