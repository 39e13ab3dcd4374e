"""How the agent ends when the model or the provider does not do as it should: one last record, with words."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import IO

import pytest

from tests.harnesses.builtin.agent_room import PROTOCOLS, Room, await_death

SPENT = "the run used too many tokens of its budget and not of max_tokens"  # must not be taken for a request too long
CALL = "tools: [{shell: {command: 'true'}}]"


ANSWERS = [
    ("[{fault: refusal}]", "The model refused: I can't help with that.", 1),
    ("[{text: a long story, fault: token_limit}]", "limit of output tokens", 1),
    (f"[{{{CALL}, fault: malformed_call}}]", "malformed 5 times in a row", 5),
    ("[{text: '', repeat: forever}]", "The model gave empty answers.", 2),
]
STATUSES = [
    ("[{text: hm, fault: {status: 401, message: the key is wrong}}]", "HTTP 401: the key is wrong", 1),
    ("[{text: hm, fault: {status: 402, message: the budget is spent}}]", "HTTP 402: the budget is spent", 1),
    ("[{text: hm, fault: 404}]", "HTTP 404: The model does not exist.", 1),
    ("[{text: hm, fault: {status: 429, headers: {x-should-retry: 'false'}}}]", "HTTP 429: Rate limit reached.", 1),
    ("[{text: hm, fault: {status: 429, code: insufficient_quota}}]", "HTTP 429", 1),
    ("[{text: hm, fault: {status: 502, body: <h1>Bad gateway</h1>}}]", "<h1>Bad gateway</h1> (asked 3 times)", 3),
    (f"[{{text: hm, fault: {{status: 400, headers: {{x-should-retry: 'false'}}, message: {SPENT}}}}}]", SPENT, 1),
]


@pytest.mark.parametrize(
    ("protocol", "turns", "told", "requests"),
    [
        *((protocol, *each) for protocol in PROTOCOLS for each in ANSWERS),
        *(("openai-chat", *each) for each in STATUSES),
        *(("anthropic-messages", *each) for each in STATUSES[:2]),
    ],
)
def test_a_failure_has_words(room: Room, protocol: str, turns: str, told: str, requests: int) -> None:
    played = room.play(f"turns: {turns}", protocol)
    assert played.end["success"] is False
    assert told in played.end["error"]
    assert len(played.exchanges) == requests
    assert played.exit_code == 0


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        *((protocol, kind) for protocol in PROTOCOLS for kind in ("cut", "error_event")),
        *(("openai-chat", kind) for kind in ("reset", "end_early", "503", "{status: 429, retry_after: 0.1}")),
    ],
)
def test_patience_is_rewarded_within_bounds(room: Room, protocol: str, kind: str) -> None:
    once = kind[:-1] + ", times: 1}" if kind.startswith("{") else f"{{kind: {kind}, times: 1}}"
    turns = f"[{{text: 'I will look at it', {CALL}, fault: {once}}}, {{text: done}}]"
    played = room.play(f"chunk_characters: 4\nturns: {turns}", protocol)
    assert played.end["success"] is True
    assert [exchange.turn for exchange in played.exchanges] == [1, 1, 2]
    assert len(played.of("progress")) == 1
    assert len(played.of("message")) == 2, "half an answer is none"


def test_a_model_that_is_down(room: Room) -> None:
    played = room.play("turns: [{fault: refused}]")
    assert played.end["success"] is False
    assert "Connection refused" in played.end["error"]
    assert len(played.of("progress")) == 2


def test_an_answer_that_is_no_stream_is_read_too(room: Room) -> None:
    played = room.play("turns: [{text: hm, fault: {status: 500, times: 1, body: '{\"odd\": 1}'}}]")
    assert played.end["success"] is True


def await_call(out: IO[bytes]) -> None:
    """Until a tool is called."""
    while b'"tool_call"' not in out.readline():
        continue


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_a_tool_runs(room: Room, number: int) -> None:
    command = "sleep 600 & echo $! > child; sleep 600"
    with room.start(f"turns: [{{tools: [{{shell: {{command: '{command}'}}}}]}}]") as (process, _):
        assert process.stdout is not None
        await_call(process.stdout)
        child = room.folder / "child"
        while not child.exists() or not child.read_text():
            time.sleep(0.02)
        process.send_signal(number)
        last = json.loads(process.stdout.read().splitlines()[-1])
        assert process.wait(60) == 130
    assert last["type"] == "end"
    assert (last["success"], last["error"]) == (False, "Interrupted before the model ended its turn.")
    await_death(int(child.read_text()))


@pytest.mark.parametrize("fault", ["silence", "stall"])
def test_interrupted_while_the_model_is_awaited(room: Room, fault: str) -> None:
    with room.start(f"turns: [{{text: 'I was about to', fault: {fault}}}]") as (process, model):
        while not model.exchanges or not model.exchanges[0].fault:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["type"] for record in records] == ["hello", "end"]
    assert process.returncode == 130


def test_a_task_that_is_none_is_refused(room: Room) -> None:
    done = subprocess.run(
        ["python3", "-I", "-S", "-B", str(room.program)], input=b"{}", capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no task" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "head -c 1200000 /dev/zero | tr '\\\\0' x",
        "head -c 300000 /dev/urandom",
        "printf '\\\\377\\\\376\\\\0abc'",
        "echo '<html><body>404</body></html>'; cat /bin/sh | head -c 5000",
    ],
)
def test_any_output_is_bounded_text(room: Room, command: str) -> None:
    played = room.play(f'turns: [{{tools: [{{shell: {{command: "{command}"}}}}]}}, {{text: ok}}]')
    assert played.end["success"] is True
    assert len(json.dumps(played.records)) < 300_000
    assert len(played.asked()) < 400_000


def test_files_that_are_not_utf_8(room: Room) -> None:
    (room.folder / "latin.txt").write_bytes(b"gr\xfcn\nrot\r\n")
    scenario = """turns:
  - tools: [{read: {path: latin.txt}}, {edit: {path: latin.txt, old: rot, new: blau}}]
  - text: ok"""
    assert room.play(scenario).end["success"] is True
    assert (room.folder / "latin.txt").read_bytes() == b"gr\xfcn\nblau\r\n"
