"""The agent's story in each protocol: the work it does, what it tells the model, and how it keeps within the window."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest

from mogplex.harnesses.builtin import agent
from tests.harnesses.builtin.agent_room import PROTOCOLS, Room

MEND = """
turns:
  - reasoning: The sign is wrong.
    text: Looking.
    tools: [{read: {path: calc.py}}, {search: {pattern: "def \\\\w+", glob: "*.py"}}]
  - tools: [{edit: {path: calc.py, old: "a - b", new: "a + b"}}]
  - tools: [{write: {path: new/note.txt, content: "grün\\n"}}, {shell: {command: "cat new/note.txt; exit 3"}}]
    expect: "Replaced 1 place"
  - text: Mended.
    expect: "exit code 3"
"""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_it_does_what_the_model_calls_for(room: Room, protocol: str) -> None:
    (room.folder / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    played = room.play(MEND, protocol)
    assert played.end == {"type": "end", "success": True, "summary": "Mended.", "error": None, "result": None}
    assert played.exit_code == 0
    assert (room.folder / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"
    assert [record["text"] for record in played.of("reasoning")] == ["The sign is wrong."]
    assert [record["text"] for record in played.of("message")] == ["Looking.", "Mended."]
    assert [(record["name"], record["ok"]) for record in played.of("tool_result")] == [
        ("read", True),
        ("search", True),
        ("edit", True),
        ("write", True),
        ("shell", False),
    ]
    assert played.of("tool_result")[-1]["exit_code"] == 3
    assert "grün" in played.of("tool_result")[-1]["summary"]
    assert [(record["path"], record["kind"]) for record in played.of("file_change")] == [
        ("calc.py", "modified"),
        ("new/note.txt", "added"),
    ]
    assert "calc.py:1:def add" in played.of("tool_result")[1]["summary"]
    assert [exchange.turn for exchange in played.exchanges] == [1, 2, 3, 4]
    assert all(exchange.stream for exchange in played.exchanges)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_repository_s_instructions_are_told(room: Room, protocol: str) -> None:
    (room.folder / "AGENTS.md").write_text("Say moin first.")
    (room.folder / "CLAUDE.md").write_text("Not read beside the other.")
    (room.folder / "part").mkdir()
    (room.folder / "part" / "CLAUDE.md").write_text("Here in the part: tabs.")
    scenario = "turns: [{text: moin, expect: [Say moin first., 'Here in the part: tabs.', pytest -q, Mend it.]}]"
    played = room.play(scenario, protocol, directory=str(room.folder / "part"), checks=["pytest -q"])
    assert played.end["success"] is True
    assert "Not read" not in played.asked()


def test_instructions_cannot_flood_or_hold_it(room: Room) -> None:
    (room.folder / "AGENTS.md").write_bytes(b"\xff" + b"x" * 500_000)
    (room.folder / "part").mkdir()
    os.mkfifo(room.folder / "part" / "AGENTS.md")
    played = room.play("turns: [{text: ok}]", directory=str(room.folder / "part"))
    assert played.end["success"] is True
    assert len(played.asked()) < 90_000


BIG = "head -c 20000 /dev/zero | tr '\\\\0' {letter}; echo"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_old_output_makes_room(room: Room, protocol: str) -> None:
    turns = [f'  - tools: [{{shell: {{command: "{BIG.format(letter=letter)}"}}}}]' for letter in "abcdefgh"]
    played = room.play("turns:\n" + "\n".join(turns) + "\n  - text: done", protocol, context_tokens=30_000)
    assert played.end["success"] is True
    last = played.asked()
    assert "old output of shell dropped to save room" in last
    assert "a" * 1000 not in last
    assert "h" * 1000 in last
    assert max(len(json.dumps(exchange.body)) for exchange in played.exchanges) < 30_000 * 4
    assert played.of("progress")[0]["dropped"] >= 1


def test_what_no_longer_fits_is_told(room: Room) -> None:
    big = BIG.format(letter="x")
    turn = f'{{tools: [{{shell: {{command: "{big}"}}}}], repeat: forever}}'
    played = room.play(f"turns: [{turn}]", context_tokens=2500)
    assert played.end["success"] is False
    assert "no longer fits the model's window of 2,500" in played.end["error"]


def test_it_makes_room_when_the_provider_says_so(room: Room) -> None:
    turns = [f'  - tools: [{{shell: {{command: "{BIG.format(letter=letter)}"}}}}]' for letter in "abcde"]
    refuse = "{status: 400, times: 1, code: context_length_exceeded, message: maximum context length is 9 tokens}"
    played = room.play("turns:\n" + "\n".join(turns) + f"\n  - text: done\n    fault: {refuse}")
    assert played.end["success"] is True
    assert "dropped to save room" in played.asked()


@pytest.mark.parametrize(
    ("protocol", "message", "gone"),
    [
        ("openai-chat", "Unrecognized request argument supplied: stream_options", "stream_options"),
        ("openai-responses", "Encrypted content is not supported: reasoning.encrypted_content", "include"),
    ],
)
def test_it_does_without_what_a_provider_does_not_know(room: Room, protocol: str, message: str, gone: str) -> None:
    refuse = f"{{status: 400, times: 1, message: '{message}'}}"
    played = room.play(f"turns: [{{text: done, fault: {refuse}}}]", protocol)
    assert played.end["success"] is True
    assert gone in played.exchanges[0].body
    assert gone not in played.exchanges[1].body


def test_it_asks_for_fewer_tokens_when_told_so(room: Room) -> None:
    refuse = "{status: 400, times: 2, message: 'max_tokens: 16384 > 4096, which is the maximum'}"
    played = room.play(f"turns: [{{text: done, fault: {refuse}}}]", "anthropic-messages")
    assert [exchange.body["max_tokens"] for exchange in played.exchanges] == [16384, 8192, 4096]
    assert played.end["success"] is True


SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
    "required": ["summary", "count"],
    "additionalProperties": False,
}
GOOD = {"summary": "fine", "count": 2}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("turns", "result", "requests"),
    [
        ("[{result: {summary: fine, count: 2}}]", GOOD, 1),
        ("[{tools: [{finish: {summary: fine}}]}, {result: {summary: fine, count: 2}, expect: lacks 'count'}]", GOOD, 2),
        ("[{tools: [{finish: {count: no}}]}, {tools: [{finish: {count: 0}}]}, {text: x}]", {"count": 0}, 2),
        ("[{text: All is well.}, {result: {summary: fine, count: 2}, expect: Call finish}]", GOOD, 2),
        ("[{text: All is well.}, {text: I said so.}]", None, 2),
        ('[{text: "```json\\n{\\"summary\\": \\"fine\\", \\"count\\": 2}\\n```"}]', GOOD, 1),
    ],
    ids=["at-once", "asked-again", "wrong-twice", "text-first", "text-only", "json-text"],
)
def test_a_structured_result(room: Room, protocol: str, turns: str, result: object, requests: int) -> None:
    """Given as it is in the end: whether it will do is for the worker to say."""
    played = room.play(f"turns: {turns}", protocol, output_schema=SCHEMA)
    assert played.end["result"] == result
    assert len(played.exchanges) == requests
    assert played.end["success"] is True


def test_nothing_is_done_after_the_end(room: Room) -> None:
    calls = "[{shell: {command: touch before}}, {finish: {summary: fine, count: 2}}, {shell: {command: touch after}}]"
    played = room.play(f"turns: [{{tools: {calls}}}]", output_schema=SCHEMA)
    assert played.end["result"] == GOOD
    assert (room.folder / "before").exists()
    assert not (room.folder / "after").exists()


def test_without_a_schema_there_is_no_tool_for_results(room: Room) -> None:
    played = room.play("turns: [{tools: [{finish: {}}]}, {text: well, expect: There is no tool 'finish'}]")
    assert played.end["success"] is True
    assert "finish" not in [tool["function"]["name"] for tool in played.exchanges[0].body["tools"]]


def test_it_needs_no_newer_python_than_it_promises() -> None:
    for path in Path(agent.__file__).parent.glob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 9))
