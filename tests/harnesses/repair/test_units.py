"""What a candidate is compiled to, which tests it has to pass, and what is kept of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.harnesses.repair.engine.baseline import Baseline, Outcome
from mogplex.harnesses.repair.engine.bytecode import Shelf
from mogplex.harnesses.repair.engine.company import Company
from mogplex.harnesses.repair.engine.edit import Candidate, Edit
from mogplex.harnesses.repair.engine.goal import Goal, Suite, aimed, too_slow
from mogplex.harnesses.repair.engine.ids import stand_in
from mogplex.harnesses.repair.engine.recorder import Types
from mogplex.harnesses.repair.engine.source import Source
from mogplex.harnesses.repair.engine.trial import Trial
from mogplex.harnesses.repair.engine.units import Compiler, Extents
from mogplex.harnesses.repair.engine.validate import with_old_ids

TEXT = '''RATE = 2
DOUBLE = RATE * 2


class Till:
    open = True

    def total(self, price, rate=1):
        """What it costs."""
        return price * rate

    @property
    def state(self):
        return "open" if self.open else "closed"
'''


def edited(old: str, new: str) -> Candidate:
    start = TEXT.index(old) if old else TEXT.index("\n    @property")
    return Candidate("till.py", TEXT.count("\n", 0, start) + 1, (Edit(start, start + len(old), new),), "any", 1.0, 1.0)


@pytest.fixture
def compiler() -> Compiler:
    return Compiler(Source("till.py", TEXT.encode()), "till.py")


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("price * rate", "price + rate", "body"),
        ("rate=1", "rate=2", "signature"),
        ("RATE = 2", "RATE = 3", "globals"),
        ("open = True", "open = False", None),
        ("@property", "@staticmethod", None),
        ("        return price * rate\n", "        return price + rate\n", "body"),
        ("        return price * rate\n", "", "body"),
        ("", "        return price\n", "body"),
        ("", "    @staticmethod\n", None),
        ('        return "open" if self.open else "closed"\n', "        return 1\n", "body"),
    ],
)
def test_what_needs_an_import_is_known_before_it_is_compiled(
    compiler: Compiler, old: str, new: str, kind: str | None
) -> None:
    candidate = edited(old, new)
    compiled = compiler.compile(candidate)
    assert (compiled.code is None) is compiler.needs_import(candidate) is (kind is None)
    assert kind in (None, compiled.kind)
    assert compiled.text == (
        TEXT.replace(old, new, 1) if old else TEXT.replace("\n    @property", f"{new}\n    @property")
    )


def test_what_means_the_same_is_known_again_wherever_it_stands(compiler: Compiler) -> None:
    def key(old: str, new: str) -> int:
        return compiler.compile(edited(old, new)).key

    assert key("open = True", "open = (True)") == key("open = True", "open  =  True")
    assert key("open = True", "open = False") != key("open = True", "open = None")
    assert key("RATE = 2", "RATE = (3)") == key("RATE = 2", "RATE = 3")


def test_an_edit_of_a_signature_has_to_pass_the_tests_that_run_the_function(compiler: Compiler) -> None:
    candidate = edited("rate=1", "rate=2")
    compiled = compiler.compile(candidate)
    assert TEXT.splitlines()[compiler.line_run(candidate, compiled) - 1].strip() == "return price * rate"
    inside = edited("price * rate", "price")
    assert compiler.line_run(inside, compiler.compile(inside)) == inside.line


def test_a_test_without_an_end_is_a_target_unless_the_suite_is_a_slow_one() -> None:
    def suite(passing_seconds: float) -> Baseline:
        return Baseline({
            "t.py::fails": Outcome("failed"),
            "t.py::hangs": Outcome("timeout", cpu_seconds=1.5),
            "t.py::passes": Outcome("passed", cpu_seconds=passing_seconds),
        })  # fmt: skip

    failing = ["t.py::fails", "t.py::hangs"]
    assert too_slow(failing, suite(0.01), 1.5) == []
    assert too_slow(failing, suite(1.0), 1.5) == ["t.py::hangs"]
    assert too_slow(["t.py::hangs"], suite(1.0), 1.5) == [], "nothing else fails: that is the fault"
    found = Suite(suite(1.0), ["t.py::fails"], [], [], ["t.py::hangs"])
    assert (aimed(found, [], []).failing, aimed(found, [], []).slow) == (["t.py::fails"], ["t.py::hangs"])
    assert aimed(found, ["t.py::hangs"], []).failing == ["t.py::hangs"], "somebody asked for it"


def test_a_test_whose_id_has_changed_counts_as_the_one_it_was() -> None:
    known = ["t.py::a[1]", "t.py::a[at 10:00]", "t.py::b"]
    assert stand_in("t.py::a[at 10:00]", known, {"t.py::a[1]": 1, "t.py::a[at 10:01]": 2}) == 2
    assert stand_in("t.py::b", known, {"t.py::a[1]": 1}) is None
    goal = Goal(["t.py::b"], Baseline({one: Outcome("passed") for one in known}))
    found = with_old_ids({"t.py::a[1]": Outcome("passed"), "t.py::a[at 10:01]": Outcome("failed")}, goal)
    assert found["t.py::a[at 10:00]"].outcome == "failed"
    assert "t.py::b" not in found, "it is gone"


def test_bytecode_of_the_repo_alone_is_kept_and_of_what_was_there_before(tmp_path: Path) -> None:
    root, folder = tmp_path / "repo", tmp_path / "shelf"
    (root / "site-packages").mkdir(parents=True)
    for name in ("old.py", "new.py", "site-packages/other.py"):
        (root / name).write_text("x = 1\n")
        os.utime(root / name, (100, 100))
    os.utime(root / "new.py", (300, 300))
    shelf = Shelf(str(folder), str(root), 200.0)
    assert shelf.file_of(str(root / "old.py")).startswith(f"{folder}{root}")
    for name in ("new.py", "site-packages/other.py", "gone.py"):
        with pytest.raises(NotImplementedError):
            shelf.file_of(str(root / name))
    assert str(shelf.folder_of(root / "old.py")) == f"{folder}{root}"
    assert shelf.folder_of(root / "new.py") != shelf.folder_of(root / "old.py")


def test_a_fresh_start_reads_what_an_earlier_one_has_kept(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "old.py").write_text("x = 1\n")
    os.utime(root / "old.py", (100, 100))
    package = Path(sys.modules[Shelf.__module__].__file__ or "").parent.parent
    code = (
        f"import sys; sys.path[:0] = [{str(package)!r}, {str(root)!r}]\nfrom engine.bytecode import Shelf\n"
        f"Shelf({str(tmp_path / 'shelf')!r}, {str(root)!r}, 200.0).open()\nimport old\nprint(old.__cached__)"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)
        kept = Path(done.stdout.strip())
        assert kept.is_file() and kept.is_relative_to(tmp_path / "shelf"), done.stderr
    assert [path.name for path in root.iterdir()] == ["old.py"]


def test_who_leads_the_search_needs_no_pytest() -> None:
    """In a sandbox only the process that runs the tests has one, the repo's own perhaps."""
    package = Path(sys.modules[Shelf.__module__].__file__ or "").parent.parent
    code = (
        f"import sys; sys.path.insert(0, {str(package)!r})\nsys.modules.update(pytest=None, _pytest=None)\n"
        "import engine.repair, engine.__main__\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_new_session_is_as_nice_as_the_process_that_it_came_from() -> None:
    place = Path("/proc/self/autogroup")
    if not place.exists():
        pytest.skip("this kernel has no groups of sessions")
    package = Path(sys.modules[Shelf.__module__].__file__ or "").parent.parent
    code = (
        f"import os, sys, time; sys.path.insert(0, {str(package)!r})\nfrom engine import limits\n"
        "os.nice(3)\nos.setsid()\nlimits.keep_niceness()\nprint(open('/proc/self/autogroup').read())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("nice 3"), done.stderr


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.lists(st.integers(0, 60), min_size=2, max_size=2))
def test_what_holds_an_edit_is_found_as_by_looking_at_each(sizes: list[int], ends: list[int]) -> None:
    starts = [sum(sizes[:number]) + number for number in range(len(sizes))]
    every = [(start, start + size, start) for start, size in zip(starts, sizes, strict=True)]
    low, high = sorted(ends)
    edit = Candidate("p.py", 1, (Edit(low, high, ""),), "any", 1.0, 1.0)
    expected = [thing for start, end, thing in every if start <= low and high <= end]
    assert Extents(every).around(edit) == (expected[0] if expected else None)


class Slotted:
    __slots__ = ("name", "unset")
    LIMIT = 3

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def dangerous(self) -> str:
        raise AssertionError("asked")


class Pair(NamedTuple):
    left: int
    right: int


def test_what_an_object_holds_is_seen_in_slots_and_fields_too_and_properties_are_not_asked() -> None:
    def traced(thing: Slotted, pair: Pair, plain: SimpleNamespace) -> object:
        return thing, pair, plain

    kinds = Types({os.path.realpath(__file__)})
    kinds.start()
    traced(Slotted("a"), Pair(1, 2), SimpleNamespace(word="b"))
    seen = kinds.stop()[os.path.realpath(__file__)][str(traced.__code__.co_firstlineno + 1)]
    assert seen["thing.name"] == ["str"] and seen["thing.dangerous"] == ["property"] and "thing.unset" not in seen
    assert seen["thing.LIMIT"] == ["int"], "a plain value of the class"
    assert {"pair.left", "pair.right"} <= seen.keys() and seen["plain.word"] == ["str"]


def test_a_test_that_a_patch_seems_to_spoil_is_asked_alone_and_then_without_the_patch(compiler: Compiler) -> None:
    candidate = edited("price * rate", "price + rate")
    trial = Trial(candidate, compiler.compile(candidate), ["t.py::fails", "t.py::a", "t.py::b"])
    company = Company()
    (alone,) = company.ask(trial, "t.py::b")
    assert (alone.doubted, alone.is_control) == ("t.py::b", False)
    (control,) = company.hear(alone, {"failed": "t.py::b"}, ["t.py::fails"])
    assert (control.doubted, control.is_control) == ("", True)
    assert company.hear(control, {"died": True}, ["t.py::fails"]) == []
    assert company.ask(trial, "t.py::b") == [alone], "a run that was lost has told nothing"
    assert company.hear(control, {"bad": ["t.py::fails"]}, ["t.py::fails"]) == [], "it is the patch's doing"
    assert company.ask(trial, "t.py::b") == []
    (again,) = company.hear(replace(alone, doubted="t.py::a"), {}, ["t.py::fails"])
    assert (again.tests, again.doubted) == (["t.py::fails", "t.py::b"], "")
