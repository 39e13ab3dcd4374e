"""Makes the list of bugs: mistakes of the recipe at random places of the libraries, kept if their suites notice.

The list in `bugs.json` names places and mistakes only, so nothing of the libraries' code is in it: the edits are made
again from the recipe. A change of the recipe therefore needs a new list.
"""

from __future__ import annotations

import ast
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from libraries import LIBRARIES, Library, fetch, source_files, suite
from mistakes import MISTAKES
from oversights import OVERSIGHTS, TWO_LINES, wrong_default
from text import Slip, Text, apply

LAST_ROUND = 20
TO_LEARN_FROM = (5, 20)  # made with the round beside, of other libraries, and read while templates were written
MORE_OF_ALL = 3  # the round of more bugs of the libraries that were there, in place of new libraries
ONE_LINE = {
    1: 7,
    2: 5,
    3: 2,
    4: 3,
    5: 4,
    6: 4,
    7: 4,
    8: 4,
    9: 4,
    10: 4,
    11: 4,
    12: 4,
    13: 4,
    14: 4,
    15: 4,
    16: 4,
    17: 4,
    18: 4,
    19: 4,
    20: 4,
}  # bugs of one line to make in each library, by round
MAX_SHARE = 0.4  # a mistake that breaks more of the suite would not have been committed
MAX_TRIES = 80
BUGS = Path(__file__).with_name("bugs.json")


@dataclass(frozen=True)
class Bug:
    library: str
    path: str
    mistakes: tuple[str, ...]
    sites: tuple[int, ...]  # for each mistake, which one of its slips in that file
    failing: int  # tests that notice
    round: int = 1  # when it was made: those of an earlier round have been read, all of them

    @property
    def name(self) -> str:
        parts = "+".join(f"{mistake}#{site}" for mistake, site in zip(self.mistakes, self.sites, strict=True))
        return f"{self.library}/{Path(self.path).name}:{parts}"

    @property
    def lines(self) -> int:
        return 2 if len(self.mistakes) > 1 or self.mistakes[0] in {one.__name__ for one, _ in TWO_LINES} else 1

    @property
    def is_set_aside(self) -> bool:
        """Half of the bugs, by a fixed rule, and most later rounds: looked at only to report figures."""
        if self.round >= MORE_OF_ALL:
            return self.round not in TO_LEARN_FROM
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


def load() -> list[Bug]:
    records = json.loads(BUGS.read_text())
    return [Bug(**{**one, "mistakes": tuple(one["mistakes"]), "sites": tuple(one["sites"])}) for one in records]


def slips(text: Text, recipe: list) -> dict[str, list[Slip]]:
    """Every slip of a file by mistake, in a fixed order; those that make no valid or no different Python left out."""
    found: dict[str, list[Slip]] = {}
    for node in ast.walk(text.tree):
        for mistake, kinds in recipe:
            if isinstance(node, kinds) and (text.function(node) is not None or mistake is wrong_default):
                for edits in mistake(node, text):
                    found.setdefault(mistake.__name__, []).append(Slip(mistake.__name__, tuple(edits)))
    return found


def broken(bug: Bug, text: str) -> str:
    """The file's text with the bug in it."""
    every = slips(Text(text), [*MISTAKES, *OVERSIGHTS, *TWO_LINES])
    edits = [edit for mistake, site in zip(bug.mistakes, bug.sites, strict=True) for edit in every[mistake][site].edits]
    return apply(text, edits)


def covered_lines(root: Path, paths: list[str]) -> dict[str, set[int]]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "coverage"
        start = f"import sys; sys.path[:0] = [{str(root / 'src')!r}, {str(root)!r}]; import pytest; pytest.main(['-q'])"
        (Path(folder) / "start.py").write_text(start)
        (Path(folder) / "settings").touch()  # in place of the library's own, which may name plugins
        base = [sys.executable, "-B", "-m", "coverage"]
        own = [f"--rcfile={folder}/settings", f"--data-file={data}"]
        run = [*base, "run", *own, "--include=" + ",".join(str(root / path) for path in paths)]
        subprocess.run([*run, f"{folder}/start.py"], cwd=root, capture_output=True, check=False)
        subprocess.run([*base, "json", *own, "-o", f"{folder}/c.json"], cwd=root, capture_output=True, check=False)
        record = json.loads((Path(folder) / "c.json").read_text())["files"]
    return {str(Path(name)): set(one["executed_lines"]) for name, one in record.items()}


class Injector:
    """Bugs for one library."""

    def __init__(self, one: Library, root: Path, number: int) -> None:
        self.library, self.root, self.round = one, root, number
        self.random = random.Random(f"{one.name} {one.version}" + (f" {number}" if number >= MORE_OF_ALL else ""))
        paths = source_files(one, root)
        self.total = suite(root, 300)[0]
        covered = covered_lines(root, paths)
        self.texts = {path: Text((root / path).read_text()) for path in paths if path in covered}
        self.covered = covered
        self.used: Counter = Counter()

    def sites(self, recipe: list) -> dict[str, list[tuple[str, int]]]:
        """mistake -> (path, number of the slip) on lines that tests run."""
        found: dict[str, list[tuple[str, int]]] = {}
        for path, text in self.texts.items():
            for mistake, every in slips(text, recipe).items():
                for number, slip in enumerate(every):
                    if self.line(path, slip) in self.covered[path]:
                        found.setdefault(mistake, []).append((path, number))
        return found

    def line(self, path: str, slip: Slip) -> int:
        return self.texts[path].text.count("\n", 0, min(edit[0] for edit in slip.edits)) + 1

    def noticed(self, path: str, text: str) -> int:
        """How many tests notice; 0 when the bug is no good: nobody notices, everything breaks, or it doesn't end."""
        file = self.root / path
        before = file.read_text()
        try:
            ast.parse(text)
            file.write_text(text)
            passed, failed, _ = suite(self.root, 40)
        except SyntaxError:
            return 0
        finally:
            file.write_text(before)
        noticing = failed - self.library.failing
        good = 0 < noticing <= self.total * MAX_SHARE and passed + failed >= self.total * 0.98
        return noticing if good else 0

    def pick(self, recipe: list, wanted: int, overall: Counter) -> list[Bug]:
        """Mistakes in turn, the rarest so far first; a random place for each; at most two bugs in a function."""
        every = self.sites(recipe)
        bugs: list[Bug] = []
        for _ in range(MAX_TRIES):
            if len(bugs) == wanted:
                break
            mistakes = [name for name, left in every.items() if left]
            if not mistakes:
                break
            self.random.shuffle(mistakes)
            mistake = min(mistakes, key=lambda name: overall[name])
            path, number = every[mistake].pop(self.random.randrange(len(every[mistake])))
            overall[f"{mistake} tried"] += 1
            bug = self.attempt(path, (mistake,), (number,))
            overall[mistake] += 1 if bug else 0.34
            bugs += [bug] if bug else []
        return bugs

    def attempt(self, path: str, mistakes: tuple[str, ...], sites: tuple[int, ...]) -> Bug | None:
        bug = Bug(self.library.name, path, mistakes, sites, 0)
        text = self.texts[path].text
        try:
            wrong = broken(bug, text)
            if ast.dump(ast.parse(wrong)) == ast.dump(self.texts[path].tree):
                return None
        except (ValueError, SyntaxError):
            return None
        place = self.place(path, wrong)
        if self.used[place] >= 2:
            return None
        failing = self.noticed(path, wrong)
        if not failing:
            return None
        self.used[place] += 1
        return Bug(self.library.name, path, mistakes, sites, failing, self.round)

    def place(self, path: str, wrong: str) -> tuple[str, int]:
        text = self.texts[path]
        at = next((i for i, (a, b) in enumerate(zip(text.text, wrong, strict=False)) if a != b), 0)
        line = text.text.count("\n", 0, at) + 1
        inside = [
            one
            for one in ast.walk(text.tree)
            if isinstance(one, ast.FunctionDef) and one.lineno <= line <= one.end_lineno
        ]
        return path, inside[-1].lineno if inside else line

    def pick_pairs(self, wanted: int) -> list[Bug]:
        """Two small mistakes in one function, on different lines, each of which the tests notice more or less."""
        every = [(mistake, *site) for mistake, sites in self.sites(MISTAKES).items() for site in sites]
        known = {path: slips(text, MISTAKES) for path, text in self.texts.items()}
        bugs: list[Bug] = []
        for _ in range(MAX_TRIES):
            if len(bugs) == wanted or not every:
                break
            mistake, path, number = self.random.choice(every)
            text = self.texts[path]
            line = self.line(path, known[path][mistake][number])
            near = [
                one for one in every
                if one[1] == path and 0 < abs(self.line(path, known[path][one[0]][one[2]]) - line) <= 6
            ]  # fmt: skip
            if not near:
                continue
            other = self.random.choice(near)
            first = self.place(path, broken(Bug(self.library.name, path, (mistake,), (number,), 0), text.text))
            second = self.place(path, broken(Bug(self.library.name, path, (other[0],), (other[2],), 0), text.text))
            bug = self.attempt(path, (mistake, other[0]), (number, other[2])) if first == second else None
            bugs += [bug] if bug else []
        return bugs


def make(cache: Path, number: int) -> None:
    """Add the bugs of a round to bugs.json: about ten minutes on a quiet machine. A library that has some of that round
    already is left as it is."""
    bugs = load() if BUGS.exists() else []
    overall: Counter = Counter(mistake for bug in bugs for mistake in bug.mistakes if bug.round == number)
    places = {(bug.path, bug.mistakes, bug.sites) for bug in bugs}
    for turn, one in enumerate(LIBRARIES):
        if one.round != number and not (number == MORE_OF_ALL > one.round):
            continue
        if any((bug.library, bug.round) == (one.name, number) for bug in bugs):
            continue
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / one.name
            shutil.copytree(fetch(one, cache), root)
            injector = Injector(one, root, number)
            found = injector.pick([*MISTAKES, *OVERSIGHTS], ONE_LINE[number], overall)
            if number < MORE_OF_ALL:
                found += injector.pick(TWO_LINES, 1, overall) + injector.pick_pairs(1)
            elif number > MORE_OF_ALL:  # the two kinds by turns
                found += injector.pick(TWO_LINES, 1, overall) if turn % 2 else injector.pick_pairs(1)
            elif turn % 2:  # every second library
                found += injector.pick(TWO_LINES, 1, overall) if turn % 4 == 1 else injector.pick_pairs(1)
            bugs += [bug for bug in found if (bug.path, bug.mistakes, bug.sites) not in places]
        print(f"{one.name}: {len(found)} bugs", flush=True)
        BUGS.write_text("[\n" + ",\n".join(json.dumps(asdict(bug)) for bug in bugs) + "\n]\n")
