"""The trusted side: command line, prompt, and the translation of the stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.event import EventType
from mogplex.domain.ports import Task
from mogplex.harnesses import HARNESSES
from mogplex.harnesses.repair.adapter import RepairHarness, RepairStream, named_tests
from mogplex.harnesses.repair.toolkit import TARGET, Toolkit


def line(**record: Any) -> bytes:
    return json.dumps(record).encode()


def test_it_is_registered_and_can_run_here(tmp_path: Path) -> None:
    harness = HARNESSES["repair"](tmp_path)
    assert harness.name == "repair"
    probe = harness.probe()
    assert probe.ok and probe.facts["version"]


def test_launch_shows_the_toolkit_read_only_and_leaves_time_to_finish(tmp_path: Path) -> None:
    harness = RepairHarness(tmp_path / "shared")
    launch = harness.launch(Task("r", 1, "Make test_up in tests/test_two.py pass.", "/work/app", timeout_seconds=60))
    assert launch.argv[:4] == ("python3", "-I", "-B", f"{TARGET}/repair")
    assert launch.argv[launch.argv.index("--directory") + 1] == "/work/app"
    assert float(launch.argv[launch.argv.index("--seconds") + 1]) < 60
    only = [launch.argv[number + 1] for number, word in enumerate(launch.argv) if word == "--only"]
    assert only == ["test_up", "tests/test_two.py"]
    (mount,) = launch.mounts
    assert mount.target == TARGET and not mount.writable
    assert (mount.source / "repair" / "__main__.py").is_file()
    assert (mount.source / "site" / "pytest" / "__init__.py").is_file()


def test_the_toolkit_is_built_once_and_readable_by_any_uid(tmp_path: Path) -> None:
    first, second = Toolkit.build(tmp_path), Toolkit.build(tmp_path)
    assert first.folder == second.folder
    assert [path.name for path in tmp_path.iterdir()] == [first.folder.name], "no half-built folder may be left"
    for path in [first.folder, *first.folder.rglob("*")]:
        mode = path.stat().st_mode
        assert mode & 0o004 and not mode & 0o022, path
        assert not path.is_dir() or mode & 0o001, path


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Fix tests/test_a.py::test_b please.", ["tests/test_a.py::test_b"]),
        ("`./tests/test_a.py::Case::test_b[1-2]` fails", ["tests/test_a.py::Case::test_b[1-2]"]),
        ("Fix the failing test", []),
        ("test_one and test_two fail, test_one first", ["test_one", "test_two"]),
    ],
)
def test_names_a_prompt(prompt: str, names: list[str]) -> None:
    assert named_tests(prompt) == names


def test_each_record_becomes_its_event() -> None:
    stream = RepairStream()
    lines = [
        line(type="hello", version="1.0", schema=1),
        line(type="message", text="2 failing tests"),
        line(type="tool_call", id="pytest-1", name="pytest", arguments={"what": "all"}),
        line(type="tool_result", id="pytest-1", ok=False, exit_code=1, summary="1 failed", duration_ms=12),
        line(type="progress", tried=40, plausible=1, elapsed_seconds=2.5, best="a.py:3 sign"),
        line(type="file_change", path="a.py", kind="modified"),
    ]
    events = [event for one in lines for event in stream.feed(one)]
    assert [event.type for event in events] == [
        EventType.ASSISTANT_MESSAGE, EventType.TOOL_CALL, EventType.TOOL_RESULT, EventType.LOG, EventType.FILE_CHANGE,
    ]  # fmt: skip
    assert events[1].tool_name == events[2].tool_name == "pytest"
    assert events[1].payload == {"callId": "pytest-1", "arguments": {"what": "all"}}
    expected = {"callId": "pytest-1", "ok": False, "exitCode": 1, "summary": "1 failed", "durationMs": 12}
    assert events[2].payload == expected
    assert events[3].payload["tried"] == 40
    assert events[4].payload == {"path": "a.py", "kind": "modified"}


def test_success_needs_a_patch_that_was_written() -> None:
    end = line(type="end", success=True, summary="Fixed", error=None, result={"patch": {"path": "a.py"}})
    boasting = RepairStream()
    list(boasting.feed(end))
    assert boasting.close().success is False
    honest = RepairStream()
    list(honest.feed(line(type="file_change", path="a.py", kind="modified")))
    list(honest.feed(end))
    claim = honest.close()
    assert claim.success is True and claim.whole and claim.summary == "Fixed"
    idle = RepairStream()
    list(idle.feed(line(type="end", success=True, summary="All pass", error=None, result={"noChanges": True})))
    assert idle.close().success is True


def test_a_stream_without_its_end_is_not_whole() -> None:
    stream = RepairStream()
    list(stream.feed(line(type="hello", version="1.0")))
    claim = stream.close()
    assert claim.whole is False and claim.success is None


def test_two_ends_are_none() -> None:
    stream = RepairStream()
    for success in (True, False):
        list(stream.feed(line(type="end", success=success, summary="", error=None, result={"noChanges": True})))
    claim = stream.close()
    assert claim.success is None and not claim.whole


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_other_line_becomes_a_log_or_nothing(data: bytes) -> None:
    stream = RepairStream()
    for event in stream.feed(data.replace(b"\n", b" ")):
        assert event.type is EventType.LOG
    assert stream.close().whole is False


@given(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(
                ["hello", "message", "tool_call", "tool_result", "progress", "file_change", "end", "odd"]
            )
        },
        optional={
            name: st.none() | st.integers() | st.text() | st.lists(st.text())
            for name in ("text", "id", "arguments", "result", "success", "path", "summary", "error")
        },
    )
)
def test_records_with_odd_fields_never_break_the_stream(record: dict[str, Any]) -> None:
    stream = RepairStream()
    list(stream.feed(json.dumps(record).encode()))
    stream.close()
