"""The scripted model, asked by a plain client: three protocols, conversations, every fault, and what it noted down."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mogplex.domain.model import ModelProtocol
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.server import ScriptedModel
from mogplex.gateway.scripted.thread import ScriptedModelThread
from tests.gateway.model_client import ask, body_of, history_after, post, said

PROTOCOLS = list(ModelProtocol)
HELLO = [{"role": "user", "content": "hello"}]
TWO_TURNS = """
usage: {input: 100, output: 20, cache_read: 30, cache_write: 7, reasoning: 5}
turns:
  - text: "Ich höre zu: I'll look."
    reasoning: Look first.
    tools: [{read: {path: a.py}}, {shell: {command: ls}}]
  - text: Done.
"""


@contextmanager
def playing(text: str, **options: Any) -> Iterator[ScriptedModelThread]:
    with ScriptedModelThread(parse_scenario(text), **options) as model:
        yield model


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_turn_is_said_in_each_protocol(protocol: ModelProtocol, stream: bool) -> None:
    with playing(TWO_TURNS) as model:
        answer = ask(model.url, protocol, HELLO, stream)
        text, calls, usage = said(protocol, answer, stream)
    assert text == "Ich höre zu: I'll look."
    assert [(name, json.loads(arguments)) for _, name, arguments in calls] == [
        ("read", {"path": "a.py"}),
        ("shell", {"command": "ls"}),
    ]
    if protocol is ModelProtocol.MESSAGES:
        named = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
        assert [usage[name] for name in named] == [100, 7, 30, 20]
    else:
        given, produced = ("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens")
        names = given if protocol is ModelProtocol.CHAT else produced
        assert [usage[name] for name in names] == [137, 20]
    (exchange,) = model.exchanges
    assert exchange.usage_sent
    assert exchange.whole
    assert (exchange.turn, exchange.status, exchange.usage and exchange.usage.input_tokens) == (1, 200, 100)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_conversations_go_on_side_by_side(protocol: ModelProtocol) -> None:
    with playing(TWO_TURNS) as model:
        _, calls, _ = said(protocol, ask(model.url, protocol, HELLO), stream=False)
        other = ask(model.url, protocol, [{"role": "user", "content": "somebody else"}])
        assert "listen" not in said(protocol, other, False)[0]
        assert len(said(protocol, other, stream=False)[1]) == 2
        history = [*HELLO, *history_after(protocol, calls)]
        for _ in range(2):  # the same request again gets the same turn again
            assert said(protocol, ask(model.url, protocol, history), stream=False)[0] == "Done."
        history += [{"role": "assistant", "content": "Done."}, {"role": "user", "content": "more"}]
        over = ask(model.url, protocol, history)
    assert over.status == 400
    assert "is over: it has 2 turns" in over.json["error"]["message"]
    assert [exchange.turn for exchange in model.exchanges] == [1, 1, 2, 2, None]


def test_a_response_can_be_continued_by_its_id() -> None:
    with playing("turns: [{text: one}, {text: two}]") as model:
        first = ask(model.url, ModelProtocol.RESPONSES, HELLO).json
        body = body_of(ModelProtocol.RESPONSES, HELLO, False) | {"previous_response_id": first["id"]}
        second = post(model.url, ModelProtocol.RESPONSES, body)
    assert said(ModelProtocol.RESPONSES, second, stream=False)[0] == "two"


EVERY_TOOL = """
turns:
  - tools:
      - shell: {command: ls}
      - read: {path: a.py}
      - edit: {path: a.py, old: "x = 1", new: "x = 2"}
      - write: {path: b.py, content: "y\\n"}
      - own_tool: {key: 1}
"""
PATCH = "*** Begin Patch\n*** Update File: a.py\n@@\n-x = 1\n+x = 2\n*** End Patch\n"


def calls_for(protocol: ModelProtocol, *tools: str, text: str = EVERY_TOOL, custom: str | None = None) -> list[Any]:
    with playing(text) as model:
        body = body_of(protocol, HELLO, False, tools)
        if custom:
            body["tools"].append({"type": "custom", "name": custom})
        return [(name, arguments) for _, name, arguments in said(protocol, post(model.url, protocol, body), False)[1]]


def test_codex_gets_its_own_tools() -> None:
    calls = calls_for(ModelProtocol.RESPONSES, "exec_command", custom="apply_patch")
    assert calls[0] == ("exec_command", '{"cmd": "ls"}')
    assert calls[1] == ("exec_command", '{"cmd": "cat a.py"}')
    assert calls[2] == ("apply_patch", PATCH)
    assert calls[3][1] == "*** Begin Patch\n*** Add File: b.py\n+y\n*** End Patch\n"
    assert calls[4] == ("own_tool", '{"key": 1}')


def test_claude_gets_its_own_tools() -> None:
    calls = calls_for(ModelProtocol.MESSAGES, "Bash", "Read", "Edit", "Write", text="directory: /w\n" + EVERY_TOOL)
    assert [name for name, _ in calls] == ["Bash", "Read", "Edit", "Write", "own_tool"]
    assert json.loads(calls[2][1]) == {"file_path": "/w/a.py", "old_string": "x = 1", "new_string": "x = 2"}


def test_a_client_with_a_shell_only_gets_commands(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    for name, arguments in calls_for(ModelProtocol.CHAT, "bash")[:4]:
        assert name == "bash"
        subprocess.run(["bash", "-ec", json.loads(arguments)["command"]], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "a.py").read_text() == "x = 2\n"
    assert (tmp_path / "b.py").read_text() == "y\n"


def test_other_clients_are_served_by_a_table_of_names() -> None:
    table = "tool_names: {shell: {name: run, arguments: {command: line}}, read: look}\n"
    calls = calls_for(ModelProtocol.CHAT, "run", "look", text=table + EVERY_TOOL)
    assert calls[:2] == [("run", '{"line": "ls"}'), ("look", '{"path": "a.py"}')]


@pytest.mark.parametrize("tool", ["finish", "StructuredOutput", None])
def test_a_structured_result_is_given_as_the_client_asks(tool: str | None) -> None:
    with playing("turns: [{result: {ok: true}}]") as model:
        tools = (tool,) if tool else ()
        text, calls, _ = said(
            ModelProtocol.CHAT, ask(model.url, ModelProtocol.CHAT, HELLO, tools=tools), stream=False
        )  # fmt: skip
    assert calls[0][1:] == (tool, '{"ok": true}') if tool else json.loads(text) == {"ok": True}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 503, 529])
def test_error_statuses(protocol: ModelProtocol, status: int) -> None:
    fault = f"{{status: {status}, retry_after: 2, times: 1, message: no luck, headers: {{x-should-retry: 'false'}}}}"
    with playing(f"turns: [{{text: well, fault: {fault}}}]") as model:
        answer = ask(model.url, protocol, HELLO)
        assert (answer.status, answer.headers["retry-after"]) == (status, "2")
        assert answer.headers["x-should-retry"] == "false"
        assert answer.json["error"]["message"] == "no luck"
        assert said(protocol, ask(model.url, protocol, HELLO), stream=False)[0] == "well"
    assert [exchange.usage is None for exchange in model.exchanges] == [True, False]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_lost_connections(protocol: ModelProtocol, stream: bool, kind: str) -> None:
    with playing(f"turns: [{{text: 'a long text, so that there is a middle', fault: {kind}}}]") as model:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(model.url, protocol, HELLO, stream)
    (exchange,) = model.exchanges
    assert (exchange.fault, exchange.usage_sent, exchange.whole) == (kind, False, False)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["end_early", "error_event"])
def test_streams_without_an_end(protocol: ModelProtocol, kind: str) -> None:
    with playing(
        f"chunk_characters: 2\nturns: [{{text: 'a long text, so that there is a middle', fault: {kind}}}]"
    ) as model:
        answer = ask(model.url, protocol, HELLO, stream=True)
    assert answer.status == 200
    assert "lo" in answer.text
    ends = ("[DONE]", "message_stop", "response.completed", 'finish_reason": "stop')
    assert not any(end in answer.text for end in ends)
    assert ("error" in answer.text) == (kind == "error_event")


@pytest.mark.parametrize("kind", ["stall", "silence"])
def test_a_pause_can_be_bounded(kind: str) -> None:
    with playing(f"turns: [{{text: 'some words to stop in', fault: {{kind: {kind}, seconds: 0.05}}}}]") as model:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(model.url, ModelProtocol.CHAT, HELLO, stream=True)


async def wait_for_fault(kind: str) -> None:
    """Only used below: an endless fault, whose client stays until the server stops."""
    async with ScriptedModel(parse_scenario(f"turns: [{{text: 'words', fault: {kind}}}]")) as model:
        asking = asyncio.create_task(asyncio.to_thread(ask, model.url, ModelProtocol.CHAT, HELLO, True))
        while not model.exchanges or not model.exchanges[0].fault:  # noqa: ASYNC110 - the client runs in a thread
            await asyncio.sleep(0.01)
        done, _ = await asyncio.wait([asking], timeout=0.3)
        assert not done
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        await asking


@pytest.mark.parametrize("kind", ["stall", "silence"])
def test_an_endless_pause_ends_with_the_server(kind: str) -> None:
    asyncio.run(wait_for_fault(kind))


def test_a_port_can_be_closed_and_opens_again() -> None:
    with playing("turns: [{text: one}, {text: two, fault: {kind: refused, seconds: 3}}]") as model:
        assert said(ModelProtocol.CHAT, ask(model.url, ModelProtocol.CHAT, HELLO), stream=False)[0] == "one"
        history = [*HELLO, {"role": "assistant", "content": "one"}]
        with pytest.raises(ConnectionRefusedError):
            ask(model.url, ModelProtocol.CHAT, history)
        answer = None
        while answer is None:  # the test's own time limit ends it
            with suppress(ConnectionRefusedError):
                answer = ask(model.url, ModelProtocol.CHAT, history)
            time.sleep(0.02)
        assert said(ModelProtocol.CHAT, answer, stream=False)[0] == "two"


def test_a_client_may_leave_in_mid_stream(caplog: pytest.LogCaptureFixture) -> None:
    with playing("chunk_characters: 1\nturns: [{text: some words, pace: 0.05}]") as model:
        with socket.create_connection(("127.0.0.1", int(model.url.rpartition(":")[2]))) as leaving:
            body = json.dumps(body_of(ModelProtocol.CHAT, HELLO, True)).encode()
            leaving.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
            leaving.sendall(body)
            leaving.recv(100)
        assert ask(model.url, ModelProtocol.CHAT, HELLO, stream=True).status == 200
    assert [exchange.whole for exchange in model.exchanges] == [False, True]
    assert not caplog.records


def test_a_port_can_be_closed_from_the_start() -> None:
    with playing("turns: [{fault: refused}]") as model, pytest.raises(ConnectionRefusedError):
        ask(model.url, ModelProtocol.CHAT, HELLO)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_answers_that_are_faults(protocol: ModelProtocol, stream: bool) -> None:
    reasons = {"refusal": ("refus", "stop"), "token_limit": ("max_tokens", "max_output_tokens", "length")}
    for kind, words in reasons.items():
        with playing(f"turns: [{{text: 'half of this is lost', fault: {kind}}}]") as model:
            answer = ask(model.url, protocol, HELLO, stream)
        assert any(word in answer.text for word in words)
    with playing("turns: [{tools: [{shell: {command: ls}}], fault: malformed_call}]") as model:
        history = HELLO
        for _ in range(3):
            _, calls, _ = said(protocol, ask(model.url, protocol, history, stream), stream)
            assert calls[0][2] in ('{"command": "ls', json.dumps('{"command": "ls'))
            history = [*history, *history_after(protocol, [(calls[0][0], "shell", "{}")])]


def test_what_a_turn_expects_must_be_in_the_request() -> None:
    with playing("turns: [{text: a, expect: 'say \"hi\"'}]") as model:
        assert ask(model.url, ModelProtocol.CHAT, HELLO).status == 400
        assert ask(model.url, ModelProtocol.CHAT, [{"role": "user", "content": 'now say "hi"'}]).status == 200
    assert [exchange.missing for exchange in model.exchanges] == ['say "hi"', None]


def test_a_key_can_be_asked_for() -> None:
    with playing("api_key: right\nturns: [{text: a}]") as model:
        body = body_of(ModelProtocol.CHAT, HELLO, False)
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong"}, 401),
            ({"Authorization": "Bearer right"}, 200),
            ({"x-api-key": "right"}, 200),
        ):
            assert post(model.url, ModelProtocol.CHAT, body, headers).status == status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": 7}', b'{"tools": [1]}', b"\xff"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_body_can_break_it(protocol: ModelProtocol, body: bytes) -> None:
    with playing("turns: [{text: a}]") as model:
        assert post(model.url, protocol, body).status in (200, 400)


def test_the_log_holds_a_line_a_request_and_no_key(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with playing("api_key: swordfish-1234\nturns: [{text: a}]", log_file=log) as model:
        body = body_of(ModelProtocol.CHAT, [{"role": "user", "content": "the key is swordfish-1234"}], False)
        post(model.url, ModelProtocol.CHAT, body, {"Authorization": "Bearer swordfish-1234"})
        post(model.url, ModelProtocol.CHAT, body, {"Authorization": "Bearer sk-abcdefghijklmnopqrstuvwxyz123456"})
    text = log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["status"] for line in lines] == [200, 401]
    assert lines[0]["usage"]["outputTokens"] >= 1
    assert "swordfish" not in text
    assert "sk-abc" not in text


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    scenario = tmp_path / "hello.yaml"
    scenario.write_text("turns: [{text: hello}]")
    command = [sys.executable, "-m", "mogplex", "scripted-model", str(scenario), "--port", "0"]
    checked = subprocess.run([*command, "--check"], capture_output=True, text=True, timeout=60, check=True)
    assert checked.stdout == "hello: 1 turn, can be played\n"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert said(ModelProtocol.CHAT, ask(url, ModelProtocol.CHAT, HELLO), stream=False)[0] == "hello"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_the_command_tells_what_is_wrong(tmp_path: Path) -> None:
    scenario = tmp_path / "bad.yaml"
    scenario.write_text("turns: [{txt: hello}]")
    command = [sys.executable, "-m", "mogplex", "scripted-model", str(scenario)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "turn 1: 'txt' is unknown" in done.stderr
