"""The record stream: every line becomes an event, the claim is what `end` says, and garbage is a log line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.event import EventType
from mogplex.harnesses.records import RecordStream


def feed(*records: object) -> tuple[RecordStream, list[EventType]]:
    stream = RecordStream()
    types = [draft.type for record in records for draft in stream.feed(json.dumps(record).encode())]
    return stream, types


def test_each_record_becomes_its_event() -> None:
    _, types = feed(
        {"type": "hello", "version": "1"},
        {"type": "message", "text": "looking"},
        {"type": "reasoning", "text": "hm"},
        {"type": "tool_call", "id": "1", "name": "pytest", "arguments": {"k": "x"}},
        {"type": "tool_result", "id": "1", "name": "pytest", "ok": False, "exit_code": 1},
        {"type": "file_change", "path": "a.py"},
        {"type": "progress", "tried": 3},
        {"type": "end", "success": True},
    )
    assert types == ["assistant_message", "reasoning", "tool_call", "tool_result", "file_change", "log"]


def test_tool_calls_keep_their_id() -> None:
    stream = RecordStream()
    call, *_ = stream.feed(b'{"type": "tool_call", "id": "7", "name": "pytest"}')
    result, *_ = stream.feed(b'{"type": "tool_result", "id": "7", "name": "pytest", "ok": true, "exit_code": 0}')
    assert call.payload["callId"] == result.payload["callId"] == "7"
    assert result.payload["ok"] is True
    assert call.tool_name == "pytest"


@pytest.mark.parametrize(
    ("ends", "success", "whole"),
    [
        ([], None, False),
        ([{"type": "end", "success": True}], True, True),
        ([{"type": "end", "success": False, "error": "no"}], False, True),
        ([{"type": "end"}], None, True),
        ([{"type": "end", "success": "yes"}], None, True),
        ([{"type": "end", "success": True}, {"type": "end", "success": True}], None, False),
    ],
)
def test_the_claim(ends: list[object], success: bool | None, whole: bool) -> None:
    stream, _ = feed(*ends)
    claim = stream.close()
    assert (claim.success, claim.whole) == (success, whole)


@given(st.binary(max_size=200))
def test_any_line_is_kept(line: bytes) -> None:
    drafts = list(RecordStream().feed(line))
    assert bool(drafts) == bool(line.strip()) or line.strip().startswith(b"{")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


@given(st.sampled_from(["hello", "message", "tool_call", "tool_result", "file_change", "progress", "end"]), JSON)
def test_a_record_with_wrong_fields_raises_nothing(kind: str, value: object) -> None:
    names = (
        "text",
        "id",
        "name",
        "arguments",
        "ok",
        "exit_code",
        "path",
        "kind",
        "success",
        "summary",
        "error",
        "result",
    )
    stream = RecordStream()
    list(stream.feed(json.dumps({"type": kind, **dict.fromkeys(names, value)}).encode()))
    stream.close()


def test_deep_nesting_is_a_log_line() -> None:
    drafts = list(RecordStream().feed(b"[" * 100_000))
    assert [draft.type for draft in drafts] == [EventType.LOG]
