"""Real bugs of libraries: a release with one change of its source undone, under its own tests.

Two consecutive releases are fetched as source packages. What the newer one changed is a list of hunks (as difflib finds
them); a bug is the newer release with one of those hunks undone, kept if its own tests notice. `history.json` has the
names and numbers of package, releases, file and hunk only: nothing of their code is kept here.
"""

from __future__ import annotations

import difflib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from libraries import Library, fetch

BUGS = Path(__file__).with_name("history.json")


@dataclass(frozen=True)
class Fix:
    """What `new` changed of `path` in its hunk number `hunk`, against `old`. `failing`: tests that notice."""

    package: str
    old: str
    new: str
    path: str
    hunk: int
    failing: int

    @property
    def name(self) -> str:
        return f"{self.package} {self.new}/{Path(self.path).name}:{self.hunk}"


def load() -> list[Fix]:
    return [Fix(**record) for record in json.loads(BUGS.read_text())]


def undone(old: str, new: str, hunk: int) -> str:
    """The new text with one of the changes undone. Raises IndexError when there is no such hunk."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    _, start, end, new_start, new_end = changes[hunk]
    return "".join(after[:new_start] + before[start:end] + after[new_end:])


def write(fix: Fix, cache: Path, root: Path) -> str:
    """Makes the tree `root` with the bug in it. Returns the whole file as it should be."""
    old, new = (fetch(Library(fix.package, version, ""), cache) for version in (fix.old, fix.new))
    shutil.copytree(new, root)
    file = root / fix.path
    right = file.read_text()
    file.write_text(undone((old / fix.path).read_text(), right, fix.hunk))
    return right
