"""The agent's tools on their own: what they refuse, and how their words help."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mogplex.harnesses.builtin.agent import files
from mogplex.harnesses.builtin.agent.conversation import Call
from mogplex.harnesses.builtin.agent.schema import find_faults
from mogplex.harnesses.builtin.agent.shell import Capture, Shell
from mogplex.harnesses.builtin.agent.tool_fault import ToolFault
from mogplex.harnesses.builtin.agent.toolbox import Toolbox
from tests.harnesses.builtin.agent_room import await_death

TEXT = "def one():\n    return 1\n\n\ndef two():\n    return 1\n"


class Silence:
    """Takes records and keeps none."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def use(name: str, arguments: Any, characters: int = 5000) -> tuple[bool, str]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    done = Toolbox(Silence(), characters).use(Call("1", name, text))  # type: ignore[arg-type]
    return done.ok, done.text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("return 2", "return 3", "The nearest line is different. There stands:\n1\tdef one():\n2\t    return 1"),
        ("def one():\n  return 1", "x", "what follows or its spaces differ. There stands:\n1\tdef one():"),
        ("    return 1", "x", "2 times in a.py, at lines 2, 6"),
        ("", "x", "`old` is empty"),
        ("return 1", "return 1", "are the same"),
        ("qqqqqqqqqqqqqqqqqq", "x", "Nothing like it is there"),
    ],
)
def test_an_edit_that_can_t_be_made_says_why(folder: Path, old: str, new: str, told: str) -> None:
    ok, text = use("edit", {"path": "a.py", "old": old, "new": new})
    assert not ok
    assert told in text
    assert (folder / "a.py").read_text() == TEXT


def test_edits(folder: Path) -> None:
    assert use("edit", {"path": "a.py", "old": "return 1", "new": "return 2", "replace_all": True})[0]
    assert (folder / "a.py").read_text() == TEXT.replace("1", "2")
    (folder / "dos.txt").write_bytes(b"a\r\nb\r\nc\r\n")
    assert use("edit", {"path": "dos.txt", "old": "a\nb", "new": "x\ny"})[0]
    assert (folder / "dos.txt").read_bytes() == b"x\r\ny\r\nc\r\n"


def test_reading(folder: Path) -> None:
    assert use("read", {"path": "a.py", "offset": 5, "limit": 1}) == (
        True,
        "5\tdef two():\n[lines 5 to 5 of 6; go on with offset 6]",
    )
    assert "a.py" in use("read", {"path": "."})[1]
    assert "There is: a.py" in use("read", {"path": "b.py"})[1]
    assert "there is none at 99" in use("read", {"path": "a.py", "offset": 99})[1]
    (folder / "binary").write_bytes(b"\x7fELF\0\0")
    assert "binary file of 6 bytes" in use("read", {"path": "binary"})[1]
    os.mkfifo(folder / "pipe")
    assert "no regular file" in use("read", {"path": "pipe"})[1]
    (folder / "long").write_text("x" * 10_000_000)
    ok, text = use("read", {"path": "long"})
    assert ok
    assert len(text) < 3000
    (folder / "many").write_text("line\n" * 100_000)
    ok, text = use("read", {"path": "many"})
    assert ok
    assert "of 100,000; go on with offset" in text
    assert len(text) < 6000


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("shell", "{", "are no JSON"),
        ("shell", "[]", "must be one JSON object"),
        ("shell", {"cmd": "ls"}, "shell needs command as text; it got cmd"),
        ("read", {"path": 7}, "needs path"),
        ("dance", {}, "There is no tool 'dance'. There are: shell, read"),
        ("write", {"path": ".", "content": ""}, "is a folder"),
        ("write", {"path": "a.py/b", "content": ""}, "can't be made"),
        ("read", {"path": "a\0b"}, "can't be read"),
        ("read", {"path": "a.py", "offset": "many"}, "read failed"),
    ],
)
def test_calls_that_can_t_be_done(folder: Path, name: str, arguments: Any, told: str) -> None:
    ok, text = use(name, arguments)
    assert not ok
    assert told in text


def test_search(folder: Path) -> None:
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "x.py").write_text("def two(): ...")
    (folder / "b.txt").write_text("def two")
    assert use("search", {"pattern": "def t\\w+", "glob": "*.py"}) == (True, "./a.py:5:def two():")
    assert use("search", {"pattern": "nowhere"}) == (True, "No line matches.")
    assert not use("search", {"pattern": "("})[0]
    assert use("search", {"pattern": "-e", "path": "b.txt"}) == (True, "No line matches.")


def test_a_command_s_time_is_bounded_and_nothing_of_it_stays(folder: Path) -> None:
    ran = Shell(1000).run("echo begun; (sleep 600; echo late > late) & echo $! > pid; sleep 600", timeout_seconds=1.5)
    assert ran.exit_code is None
    assert ran.output == "begun\n"
    await_death(int((folder / "pid").read_text()))


def test_a_background_process_holds_nothing_up(folder: Path) -> None:
    ran = Shell(1000).run("sleep 600 & echo $! > pid; echo done")
    assert (ran.exit_code, ran.output) == (0, "done\n")
    await_death(int((folder / "pid").read_text()))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(3, 60))
def test_captures_keep_both_ends(chunks: list[bytes], limit: int) -> None:
    capture = Capture(limit)
    for chunk in chunks:
        capture.add(chunk)
    whole = b"".join(chunks)
    text = capture.text()
    if len(whole) <= limit:
        assert text == whole.decode("utf-8", "replace").replace("\0", "\\0")
    else:
        assert f"[{len(whole) - limit} bytes left out]" in text


PATHS = st.text("ab\n \r", max_size=12)


@settings(deadline=None)
@given(text=st.text("ab\n ", max_size=30), old=PATHS, new=PATHS)
def test_an_edit_is_exact_or_none(tmp_path_factory: pytest.TempPathFactory, text: str, old: str, new: str) -> None:
    path = tmp_path_factory.mktemp("edit") / "f"
    path.write_bytes(text.encode())
    try:
        files.edit(str(path), old, new, replace_all=False)
    except ToolFault:
        assert path.read_bytes() == text.encode()
    else:
        assert text.count(old) == 1
        assert path.read_bytes() == text.replace(old, new).encode()


SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner)
)
KINDS = st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null"])
SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS | st.lists(KINDS, min_size=1, max_size=2, unique=True),
            "enum": st.lists(st.text("ab", max_size=2), min_size=1, max_size=3, unique=True),
            "minLength": st.integers(0, 3),
            "maximum": st.integers(-2, 2),
            "pattern": st.just("^a"),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
            "minItems": st.integers(0, 2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
        },
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(VALUES, SCHEMAS)
def test_it_finds_faults_as_a_whole_validator_does(value: Any, schema: dict[str, Any]) -> None:
    assert (find_faults(value, schema) == []) == Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema", [True, {}, {"$ref": "#/$defs/none"}, {"$ref": "#"}, {"pattern": "("}, {"format": "x"}]
)
def test_odd_schemas_hold_nothing_up(schema: Any) -> None:
    assert find_faults("x", schema) == []


def test_references_are_followed() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"type": "integer"}}}
    assert find_faults({"a": "x"}, schema) == ["the result.a must be of type integer, not 'x'"]
