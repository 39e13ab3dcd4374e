"""What the captures don't hold: lines that contradict each other, that nobody knows, or that are far too long."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mogplex.domain.event import EventType
from mogplex.domain.ports import HarnessStream
from mogplex.harnesses.claude_code.stream import ClaudeStream
from mogplex.harnesses.codex.stream import CodexStream

CODEX_END = {"type": "turn.completed", "usage": {}}
GOOD = {"type": "result", "subtype": "success", "is_error": False, "terminal_reason": "completed", "result": "done"}
INIT = {"type": "system", "subtype": "init", "session_id": "s1"}
SAID = {"type": "assistant", "message": {"id": "m", "model": "m", "content": [{"type": "text", "text": "hm"}]}}


def feed(stream: HarnessStream, *records: dict[str, Any]) -> HarnessStream:
    for record in records:
        list(stream.feed(json.dumps(record).encode()))
    return stream


@pytest.mark.parametrize("after", [{"type": "turn.started"}, {"type": "error", "message": "x"}, {"type": "later"}])
def test_codex_must_not_go_on_after_its_end(after: dict[str, Any]) -> None:
    claim = feed(CodexStream(), CODEX_END, after).close()
    assert claim.success is None and not claim.whole


def test_two_ends_of_codex_are_none() -> None:
    claim = feed(CodexStream(), CODEX_END, {"type": "turn.failed", "error": {"message": "no"}}).close()
    assert claim.success is None and not claim.whole
    assert feed(CodexStream(), CODEX_END, CODEX_END).close().success is None


def test_the_last_result_of_claude_counts() -> None:
    bad = {**GOOD, "is_error": True, "terminal_reason": "api_error", "result": "API Error: 500"}
    assert feed(ClaudeStream(), INIT, bad, INIT, SAID, GOOD).close().success is True
    claim = feed(ClaudeStream(), INIT, GOOD, INIT, SAID, bad).close()
    assert claim.success is False and claim.error == "API Error: 500"


@pytest.mark.parametrize("after", [INIT, SAID])
def test_words_after_a_result_of_claude_take_it_back(after: dict[str, Any]) -> None:
    claim = feed(ClaudeStream(), INIT, GOOD, after).close()
    assert claim.success is None and not claim.whole


@pytest.mark.parametrize(
    "changed",
    [
        {"is_error": True}, {"is_error": None}, {"is_error": "false"}, {"terminal_reason": "max_turns"},
        {"terminal_reason": None},
    ],
)  # fmt: skip
def test_success_of_claude_is_said_in_two_ways(changed: dict[str, Any]) -> None:
    claim = feed(ClaudeStream(), INIT, {**GOOD, **changed}).close()
    assert claim.success is False and claim.whole and claim.error


def test_denied_tools_are_told() -> None:
    stream = ClaudeStream()
    result = {**GOOD, "permission_denials": [{"tool_name": "Bash"}, {"tool_name": "Edit"}]}
    drafts = list(stream.feed(json.dumps(result).encode()))
    assert any("2 tool calls were denied: Bash, Edit" in (draft.message or "") for draft in drafts)


@pytest.mark.parametrize("session", ["--dangerous", "-c", "a b", "../x", "", 7, None, "x" * 101])
def test_a_session_is_a_plain_word(session: Any) -> None:
    assert feed(CodexStream(), {"type": "thread.started", "thread_id": session}).close().session is None
    assert feed(ClaudeStream(), {**INIT, "session_id": session}).close().session is None


@pytest.mark.parametrize("stream", [CodexStream(), ClaudeStream()], ids=["codex", "claude"])
@pytest.mark.parametrize(
    "record",
    [
        {"type": "brand.new", "x": 1},
        {"type": "item.completed", "item": {"type": "telepathy", "id": "i"}},
        {"type": "system", "subtype": "brand_new"},
        {"type": "user", "message": {"content": "plain"}},
    ],
)
def test_what_nobody_knows_survives_as_it_is(stream: HarnessStream, record: dict[str, Any]) -> None:
    line = json.dumps(record)
    (draft,) = stream.feed(line.encode())
    assert draft.type is EventType.LOG
    assert (draft.message, draft.raw) == (line, line)


def test_a_command_may_print_more_than_a_megabyte_on_one_line() -> None:
    item = {"id": "i", "type": "command_execution", "command": "seq", "exit_code": 0, "status": "completed"}
    line = json.dumps({"type": "item.completed", "item": {**item, "aggregated_output": "0123456789\n" * 110_000}})
    drafts = list(CodexStream().feed(line.encode()))
    assert len(line) > 1_200_000
    assert [draft.type for draft in drafts] == [EventType.TOOL_CALL, EventType.TOOL_RESULT]
    assert all(len(json.dumps(dict(draft.payload))) + len(draft.raw or "") < 200_000 for draft in drafts)
