"""The quick set: classic algorithms, each in one file of `algorithms/` with its tests and its typical bugs.

A file has three parts: the program, `# === tests ===`, and `# === bugs ===` with one bug a line, `right => wrong`,
where `\\n` stands for a line end and `(nothing)` for no text. `right` stands in the program exactly once.
` && ` joins the two places of one bug.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("algorithms")


@dataclass(frozen=True)
class Broken:
    """One program with one bug. `right` is the whole program as it should be."""

    name: str
    right: str
    wrong: str
    tests: str


def load() -> list[Broken]:
    return [bug for path in sorted(FOLDER.glob("*.py")) for bug in _bugs(path)]


def _bugs(path: Path) -> list[Broken]:
    program, rest = path.read_text().split("# === tests ===\n")
    tests, list_of_bugs = rest.split("# === bugs ===\n")
    found = []
    for number, line in enumerate(list_of_bugs.strip().splitlines()):
        changed = program
        for place in line.removeprefix("# ").split(" && "):
            right, wrong = (part.replace("\\n", "\n") for part in place.split(" => "))
            if program.count(right) != 1:
                raise ValueError(f"{path.name}: {right!r} is not in the program exactly once")
            changed = changed.replace(right, "" if wrong == "(nothing)" else wrong)
        ast.parse(changed)
        imports = "from program import *\n" + "".join(
            f"{line}\n" for line in program.splitlines() if line.startswith("import ")
        )
        found.append(Broken(f"{path.stem} {number}", program, changed, imports + tests))
    return found


def write(bug: Broken, folder: Path) -> None:
    (folder / "program.py").write_text(bug.wrong)
    (folder / "test_program.py").write_text(bug.tests)


def is_right(bug: Broken, folder: Path) -> bool:
    """Whether the program says what it said before the bug, layout aside."""
    return ast.dump(ast.parse((folder / "program.py").read_text())) == ast.dump(ast.parse(bug.right))
