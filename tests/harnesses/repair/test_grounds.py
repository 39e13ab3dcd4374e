"""What is built on a first edit, and what is mended beside failing tests that have nothing to do with it."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mogplex.harnesses.repair.engine.edit import Candidate, Edit
from mogplex.harnesses.repair.engine.pool import Plan, Pool
from mogplex.harnesses.repair.engine.source import Source
from mogplex.harnesses.repair.engine.steadiness import UNTRIED
from mogplex.harnesses.repair.engine.swap import CodeIndex, restore
from mogplex.harnesses.repair.engine.units import Compiled, Compiler, encoded

from .conftest import Repo


def test_a_second_edit_is_tried_below_one_that_brings_in_lines(tmp_path: Path) -> None:
    """The functions further down were compiled when they stood two lines higher."""
    text = (
        "def one(a, b):\n    return a - b\n\n\n"
        "def two(a):\n    def inner():\n        return a * 2\n    return inner()\n"
    )
    test = "from code_it import one, two\ndef test_two(): assert two(3) == 5\n"
    (tmp_path / "code_it.py").write_text(text)
    (tmp_path / "test_code_it.py").write_text(test)
    path = str(tmp_path / "code_it.py")
    longer = text.replace("    return a - b", "    if a:\n        b += 1\n    return a - b")
    first = compiled(
        Source("code_it.py", text.encode()), path, "    return a - b", "    if a:\n        b += 1\n    return a - b"
    )
    second = compiled(Source("code_it.py", longer.encode()), path, "a * 2", "a + 2")
    assert first.growth == 2
    under = {**encoded(first, path), "at": 2}
    request = {
        "tests": ["test_code_it.py::test_two"], "cpu_seconds": [5.0], "quiet_seconds": 20.0,
        "edit": encoded(second, path), "under": under, "targets": ["test_code_it.py::test_two"],
    }  # fmt: skip
    with started(tmp_path, path) as pool:
        told = answers(pool, request)
    assert not told[-1].get("cold"), "the function was not found"
    assert told[-1]["mended"] == ["test_code_it.py::test_two"]


def test_edits_of_a_file_that_only_tests_import_are_screened_and_built_on(tmp_path: Path) -> None:
    text = "def one(a, b):\n    return two(a - b)\n\n\ndef two(a):\n    return a * 2\n"
    test = "def test_one():\n    from late_it import one\n    assert one(3, 2) == 25\n"
    (tmp_path / "late_it.py").write_text(text)
    (tmp_path / "test_late_it.py").write_text(test)
    path, name = str(tmp_path / "late_it.py"), "test_late_it.py::test_one"
    source = Source("late_it.py", text.encode())
    plus, power, other = (
        encoded(compiled(source, path, *words), path) for words in [("-", "+"), ("a * 2", "a ** 2"), ("a * 2", "a + 2")]
    )
    request = {"tests": [name], "cpu_seconds": [5.0], "quiet_seconds": 20.0, "targets": [name]}
    request.update(failures={}, nameless={})
    with started(tmp_path, path) as pool:
        alone = answers(pool, {**request, "batch": [plus, power, other]})
        both = answers(pool, {**request, "batch": [other, power], "under": plus})
    assert [record["outcome"] for record in alone if "screened" in record] == ["failed", "failed", "failed"]
    assert [record["outcome"] for record in both if "screened" in record] == ["failed", "passed"]


def test_a_test_that_leaves_something_behind_is_unsteady_though_it_imports_late(tmp_path: Path) -> None:
    """The run for the sake of the import is its first one."""
    text = "KNOWN = []\n\n\ndef one(a):\n    KNOWN.append(a)\n    return len(KNOWN) - 3\n"
    test = "def test_one():\n    from left_it import one\n    assert one(3) == 1 or one(2) > 0\n"
    (tmp_path / "left_it.py").write_text(text)
    (tmp_path / "test_left_it.py").write_text(test)
    path, name = str(tmp_path / "left_it.py"), "test_left_it.py::test_one"
    edit = encoded(compiled(Source("left_it.py", text.encode()), path, "- 3", "- 0"), path)
    request = {"tests": [name], "cpu_seconds": [5.0], "quiet_seconds": 20.0, "targets": [name]}
    request.update(failures={}, nameless={})
    with started(tmp_path, path) as pool:
        told = answers(pool, {**request, "batch": [edit]})
    assert [record["outcome"] for record in told if "screened" in record] == [UNTRIED]


@contextlib.contextmanager
def started(root: Path, path: str) -> Iterator[Pool]:
    """One worker for the suite in a folder with this file of code."""
    with Pool(Plan(root, [path], [], warm=1, environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})) as pool:
        assert pool.await_collection(60.0) is None, pool.stderr_tail()
        yield pool


def answers(pool: Pool, request: dict[str, Any]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    worker = pool.idle(cold=False)
    assert worker is not None
    pool.submit(worker, request, hear=lambda worker, record: told.append(record))
    while worker.is_busy:
        pool.poll(0.5)
    return told


def test_functions_that_share_their_code_get_it_back() -> None:
    names: dict[str, Any] = {}
    exec(compile("def make():\n    def inner(): return 2\n    return inner\n", __file__, "exec"), names)
    living = [names["make"](), names["make"]()]
    index = CodeIndex({__file__})
    new = living[0].__code__.replace(co_consts=(None, 101))
    shared = [one for one in living if one.__code__ is living[0].__code__]
    changed = index.replace(new)
    assert changed is not None and [one() for one in shared] == [101, 101]
    restore(changed)
    assert [one() for one in shared] == [2, 2]


def test_an_assignment_that_fails_leaves_the_module_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings_it.py").write_text("SIZE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("settings_it")
    path = str(tmp_path / "settings_it.py")
    edit = compiled(Source("settings_it.py", b"SIZE = 1\n"), path, "1", "1 / 0")
    assert edit.kind == "globals" and edit.code is not None
    worse = replace(edit, code=compile("SIZE = 2\nSIZE = SIZE / 0\n", path, "exec"))
    with pytest.raises(ZeroDivisionError):
        CodeIndex({path}).apply(encoded(worse, path))
    assert module.SIZE == 1


def compiled(source: Source, path: str, old: str, new: str) -> Compiled:
    start = source.text.index(old)
    edit = Candidate(source.path, source.line_of(start), (Edit(start, start + len(old), new),), "any", 1.0, 1.0)
    return Compiler(source, path).compile(edit)


def test_mends_one_fault_beside_failing_tests_of_other_causes(repo: Repo) -> None:
    """They are most of the failing tests, of the same exception, and run nothing of what is mended."""
    repo.write(
        two__py="def one(a, b):\n    return a - b\n\n\ndef two(a, b):\n    return a * b\n",
        test_one__py="from two import one\ndef test_one(): assert one(5, 3) == 8\n",
        test_never__py="from two import two\n"
        + "".join(f"def test_{number}(): assert two({number}, 2) == 'never'\n" for number in range(3)),
    )
    outcome = repo.repair("--candidates", "1500", "--seconds", "20")
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "return a + b" in (repo.root / "two.py").read_text()
    assert len(outcome.result["remainingFailures"]) == 3


def test_a_pair_mends_one_of_several_causes(repo: Repo) -> None:
    repo.write(
        wrapping__py="def wrap(method, *args, **kwargs):\n"
        "    args.setdefault('size', 2)\n"
        "    return method(*args, **args)\n",
        test_wrapping__py="from wrapping import wrap\n"
        "def test_size(): assert wrap(lambda *given, size: (given, size), 5) == ((5,), 2)\n"
        "def test_key(): assert {}['x']\n"
        "def test_index(): assert [][0]\n",
    )
    outcome = repo.repair("--seconds", "20")
    assert outcome.end["success"] is True, outcome.end["summary"]
    text = (repo.root / "wrapping.py").read_text()
    assert "kwargs.setdefault" in text
    assert "**kwargs)" in text
    assert len(outcome.result["remainingFailures"]) == 2
