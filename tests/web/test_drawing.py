"""What is drawn on the server: diffs, timelines, charts, commands, and foreign text."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.event import Event, EventType
from mogplex.web.charts import draw_columns
from mogplex.web.commands import cli_line
from mogplex.web.diff import MAX_LINES, read_diff
from mogplex.web.text import duration, money, plain
from mogplex.web.timeline import Track
from mogplex.web.transcript import read_items
from tests.web.world import PATCH


def event(seq: int, kind: EventType, at: float, message: str = "", tool: str | None = None, **payload: Any) -> Event:
    return Event("run_x", seq, kind, message, tool, payload, at, 1)


def test_a_diff_has_the_numbers_of_both_sides() -> None:
    diff = read_diff(PATCH)
    orders, readme = diff.files
    assert (orders.path, orders.change, orders.added, orders.removed) == ("shop/orders.py", "changed", 4, 3)
    assert (readme.path, readme.change, readme.added) == ("README.md", "added", 2)
    changed = [(line.kind, line.old, line.new) for line in orders.lines if line.kind in ("add", "del")]
    assert changed[:3] == [("del", 3, None), ("add", None, 3), ("del", 5, None)]
    assert changed[-1] == ("add", None, 21)
    assert "&lt;script&gt;" in "".join(line.html for line in orders.lines)


def test_unusual_files_are_told_apart() -> None:
    diff = read_diff(
        b'diff --git "a/\\303\\244.txt" "b/\\303\\244.txt"\nsimilarity index 90%\nrename from old name.txt\n'
        b'rename to "\\303\\244.txt"\ndiff --git a/x.png b/x.png\nBinary files a/x.png and b/x.png differ\n'
        b"diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n---- no head\n"
    )
    assert [(file.path, file.change, file.binary) for file in diff.files] == [
        ("ä.txt", "renamed", False),
        ("x.png", "changed", True),
        ("gone", "deleted", False),
    ]
    assert diff.files[2].lines[1].text == "--- no head"


def test_a_huge_patch_is_cut_and_says_so() -> None:
    lines = b"".join(b"+line %d\n" % number for number in range(MAX_LINES + 50))
    diff = read_diff(b"diff --git a/big b/big\n@@ -0,0 +1,9999 @@\n" + lines)
    assert (diff.cut, diff.open, diff.files[0].added) == (51, False, MAX_LINES + 50)


@given(st.binary(max_size=400))
def test_any_bytes_can_be_a_patch(patch: bytes) -> None:
    for file in read_diff(b"diff --git a/a.py b/a.py\n@@ -1,3 +1,3 @@\n" + patch).files:
        assert all("<script" not in line.html for line in file.lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("10%\r20%\rdone\n", "done\n"),
        ("a\x00b\x08c", "abc"),
        ("line\r\nnext", "line\nnext"),
        ("evil\u202etxt", "evil\ufffdtxt"),
    ],
)
def test_foreign_text_is_shown_without_what_terminals_obey(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_timeline_has_the_lanes_of_what_happened() -> None:
    track = Track()
    track.feed(
        [
            event(1, EventType.QUEUED, 0),
            event(2, EventType.ATTEMPT_STARTED, 2),
            event(3, EventType.SANDBOX_READY, 3),
            event(4, EventType.TOOL_CALL, 4, "ls", "shell", callId="1"),
            event(5, EventType.MODEL_CALL, 5, model="m", durationMs=500),
        ]
    )
    open_lanes = {lane.name: lane for lane in track.draw(5.0).lanes}
    assert open_lanes["shell"].bars[0].open and open_lanes["Agent"].bars[0].open
    track.feed(
        [
            event(6, EventType.TOOL_RESULT, 6, "", "shell", callId="1", ok=True),
            event(7, EventType.CHANGES, 7),
            event(8, EventType.CHECK_STARTED, 7, command="pytest", target="patch"),
            event(9, EventType.CHECK_FINISHED, 9, command="pytest", target="patch"),
            event(10, EventType.FINISHED, 10),
        ]
    )
    drawn = track.draw(99.0)
    assert not drawn.open and drawn.ticks[-1] == "10.0 s"
    assert [(lane.name, lane.took) for lane in drawn.lanes] == [
        ("Queue", "2.0 s"),
        ("Preparation", "1.0 s"),
        ("Agent", "4.0 s"),
        ("Model calls", "500 ms"),
        ("shell", "2.0 s"),
        ("patch · pytest", "2.0 s"),
    ]
    (bar,) = next(lane for lane in drawn.lanes if lane.name == "shell").bars
    assert (bar.x, bar.width, bar.seq) == (40.0, 20.0, 4)


def test_a_lost_attempt_ends_its_bars_and_waits_again() -> None:
    track = Track()
    track.feed(
        [
            event(1, EventType.QUEUED, 0),
            event(2, EventType.ATTEMPT_STARTED, 1),
            event(3, EventType.SANDBOX_READY, 2),
            event(4, EventType.TOOL_CALL, 3, "", "shell", callId="1"),
            event(5, EventType.ATTEMPT_LOST, 4),
            event(6, EventType.ATTEMPT_STARTED, 6),
        ]
    )
    lanes = {lane.name: lane for lane in track.draw(8.0).lanes}
    assert [len(lanes[name].bars) for name in ("Queue", "Preparation", "Agent", "shell")] == [2, 2, 1, 1]
    assert not lanes["shell"].bars[0].open


def test_thousands_of_calls_become_few_shapes() -> None:
    track = Track()
    for number in range(4000):
        track.feed([event(number * 2 + 1, EventType.TOOL_CALL, number, "", "shell", callId=str(number))])
        track.feed([event(number * 2 + 2, EventType.TOOL_RESULT, number + 0.5, "", "shell", callId=str(number))])
    (lane,) = track.draw(4000.0).lanes
    assert len(lane.bars) <= 400 and lane.name == "shell × 4000"


def test_results_join_their_calls_and_logs_each_other() -> None:
    items = read_items(
        [
            event(1, EventType.TOOL_RESULT, 0, "late", "shell", callId="0", ok=False),
            event(2, EventType.TOOL_CALL, 1, "", "shell", callId="1", arguments={"command": ["a", "b"]}),
            event(3, EventType.LOG, 1, "one"),
            event(4, EventType.TOOL_RESULT, 2, "no", "shell", callId="1", ok=False),
            event(5, EventType.LOG, 3, "two"),
            event(6, EventType.REASONING, 3, text="hm"),
        ]
    )
    assert [(item.kind, item.seq, item.wrong) for item in items] == [
        ("step", 1, True),
        ("tool", 2, True),
        ("log", 3, False),
        ("thought", 6, False),
    ]
    assert (items[1].gist, items[2].text) == ("a b", "one\ntwo")


def test_charts_stack_to_a_round_top() -> None:
    series = [{"start": "t", "a": 3, "b": 4}, {"start": "u", "a": 0, "b": 0}]
    chart = draw_columns(series, {"a": "success", "b": "failed"})
    assert (chart.top, chart.total, len(chart.columns[0].bars), len(chart.columns[1].bars)) == (10.0, 7.0, 2, 0)
    assert [(bar.y, bar.height) for bar in chart.columns[0].bars] == [(70.0, 30.0), (30.0, 40.0)]
    assert draw_columns([], {"a": "x"}).top == 0
    assert draw_columns([{"start": "t", "a": 0.003}], {"a": "x"}).top == 0.005


@given(st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), min_size=1, max_size=60))
def test_the_command_says_the_prompt_to_the_letter(prompt: str) -> None:
    line = cli_line({"repoId": "a/b", "prompt": prompt})
    assert not any((character < " " and character not in "\n\t") or character == "\x7f" for character in line)
    if "$'" not in line:
        assert shlex.split(line)[-1] == prompt


def test_the_command_is_read_by_a_shell_as_it_was_meant() -> None:
    prompt = 'It\'s \x1b[31m`rm`\r\n\\n $HOME "x"'
    line = cli_line({"repoId": "a/b", "prompt": prompt, "createBranch": True, "timeoutSeconds": 90.0})
    done = subprocess.run(
        ["bash", "-c", f"mogplex() {{ printf '%s\\0' \"$@\"; }}; {line}"], capture_output=True, timeout=20, check=True
    )
    words = done.stdout.decode().split("\0")[:-1]
    assert words == ["run", "--repo", "a/b", "--create-branch", "--timeout", "90", prompt]


def test_numbers_read_well() -> None:
    assert [duration(value) for value in (None, 5, 4200, 60_000, 185_000, 7_800_000)] == [
        "–",
        "5 ms",
        "4.2 s",
        "1 min",
        "3 min 5 s",
        "2 h 10 min",
    ]
    assert [money(0), money(0.00421), money(1.5), money(None), money(1, False)] == [
        "$0",
        "$0.0042",
        "$1.50",
        "–",
        "unknown",
    ]
