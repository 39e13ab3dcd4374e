"""The chosen patch is made small and keeps the file's layout."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.harnesses.repair.engine.edit import Candidate, apply_edits
from mogplex.harnesses.repair.engine.goal import Goal
from mogplex.harnesses.repair.engine.python_project import PythonProject, Settings
from mogplex.harnesses.repair.engine.report import Report
from mogplex.harnesses.repair.engine.simplify import MAX_PARTS, keep_layout, parts_of, simplify
from mogplex.harnesses.repair.engine.trial import Plausible
from mogplex.harnesses.repair.engine.units import Compiler

from .test_templates import PROGRAM, candidates

LINES = st.lists(st.sampled_from(["a\n", "b\n", "\n", "  c\r\n"]), max_size=12).map("".join)


@given(LINES, LINES)
def test_parts_make_up_the_whole(before: str, after: str) -> None:
    parts = parts_of(before, after)
    assert apply_edits(before, parts) == after
    assert bool(parts) == (before != after)


@given(st.lists(st.booleans(), min_size=1, max_size=MAX_PARTS), st.data())
def test_what_is_left_passes_and_no_part_of_it_can_be_spared(changes: list[bool], data: st.DataObject) -> None:
    before = "".join(f"line {number}\n" for number in range(2 * len(changes)))
    after = "".join(f"line {n}{'!' if n % 2 and changes[n // 2] else ''}\n" for n in range(2 * len(changes)))
    whole = parts_of(before, after)
    needed = data.draw(st.sets(st.sampled_from(whole))) if whole else set()

    def passes(smaller: list[Candidate]) -> Candidate | None:
        return next((one for one in smaller if needed <= set(one.edits)), None)

    candidate = Candidate("p.py", 1, tuple(whole), "some", 1.0, 1.0)
    left = set(simplify(candidate, before, passes).edits)
    assert needed <= left and len(left) == max(len(needed), min(1, len(whole)))


def test_an_edit_that_put_a_call_on_one_line_gets_its_lines_and_comments_back() -> None:
    before = "x = 1\n\n\ndef f(a, b):\n    return g(\n        a,  # first\n        b,\n    )  # end\n"
    after = "x = 1\n\n\ndef f(a, b):\n    return g(a, b, x)  # end\n"
    assert keep_layout(before, after) == before.replace("b,\n", "b, x\n")


def test_layout_never_changes_what_a_patch_means() -> None:
    for candidate in candidates(PROGRAM)[::90]:
        after = apply_edits(PROGRAM, candidate.edits)
        try:
            wanted = ast.dump(ast.parse(after))
        except SyntaxError:
            assert keep_layout(PROGRAM, after) == after
            continue
        assert ast.dump(ast.parse(keep_layout(PROGRAM, after))) == wanted
    assert keep_layout(PROGRAM, PROGRAM) == PROGRAM


def test_an_edit_that_is_not_needed_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    root = Path(os.path.realpath(tmp_path))
    text = "def add(a, b):\n    total = 0\n    total -= a\n    total += b\n    return total\n"
    (root / "sums.py").write_text(text)
    (root / "test_sums.py").write_text("from sums import add\ndef test_add(): assert add(2, 3) == 5\n")
    right = text.replace("-= a", "+= a")
    with PythonProject(Settings(root, 60, 1, ()), lambda: None) as project:
        suite = project.run_tests()
        goal = Goal(suite.failing, suite.baseline, suite.unimportable)
        project.spectra(goal, Report())
        parts = tuple(parts_of(text, right.replace("total = 0", "total = int()")))
        source = next(iter(project._sources.values()))
        candidate = Candidate("sums.py", 2, parts, "two", 1.0, 1.0)
        compiled = Compiler(source, str(root / "sums.py")).compile(candidate)
        assert len(parts) == 2
        assert project._simplified(Plausible(candidate, compiled), goal).compiled.text == right
