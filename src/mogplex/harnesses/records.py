"""The stream of our own harnesses: one JSON object a line, the last one of type `end`.

    {"type": "hello", "version": "1", "schema": 1}
    {"type": "message", "text": "…"}                                  {"type": "reasoning", "text": "…"}
    {"type": "tool_call", "id": "1", "name": "pytest", "arguments": {…}}
    {"type": "tool_result", "id": "1", "name": "pytest", "ok": true, "exit_code": 0, "summary": "…", "duration_ms": 12}
    {"type": "file_change", "path": "a.py", "kind": "modified"}
    {"type": "progress", "text": "…", …any numbers}
    {"type": "end", "success": true, "summary": "…", "error": null, "result": {…}, "session": "…"}

A line that is none of these is kept as a `log` event: what a program prints is never lost, and never trusted either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import Claim
from mogplex.harnesses.lines import notice, text_of

MAX_TEXT_CHARACTERS = 64 * 1024


class RecordStream:
    """Translates records into events. A second `end` contradicts the first, so the stream then counts as broken."""

    def __init__(self) -> None:
        self._end: Mapping[str, Any] | None = None
        self._ends = 0
        self._tool_names: dict[str, str] = {}  # by call id: a result need not repeat it
        self._translators: dict[str, Callable[[Mapping[str, Any]], list[EventDraft]]] = {
            "hello": lambda record: [],
            "message": lambda record: [_said(EventType.ASSISTANT_MESSAGE, record)],
            "reasoning": lambda record: [_said(EventType.REASONING, record)],
            "tool_call": self._tool_call,
            "tool_result": self._tool_result,
            "file_change": _file_change,
            "progress": _progress,
            "end": self._keep_end,
        }

    @property
    def ended(self) -> bool:
        return self._end is not None

    def feed(self, line: bytes) -> Iterable[EventDraft]:
        """One line without its newline; what comes after the last record is kept as `log`."""
        if not line.strip():
            return []
        record = _decode(line)
        translate = self._translators.get(str(record.get("type"))) if record is not None else None
        if record is None or translate is None or (self._end is not None and record.get("type") != "end"):
            text = line[:MAX_TEXT_CHARACTERS].decode("utf-8", "replace").rstrip()
            return [EventDraft(EventType.LOG, text, payload={"stream": "stdout"})]
        drafts = translate(record)
        return [replace(draft, raw=text_of(line)) for draft in drafts]

    def close(self) -> Claim:
        if self._end is None:
            return Claim(success=None, whole=False)
        if self._ends > 1:
            return Claim(
                success=None, whole=False, error=f"The harness ended {self._ends} times; only one can be true."
            )
        success = self._end.get("success")
        result = self._end.get("result")
        return Claim(
            success=success if isinstance(success, bool) else None,
            whole=True,
            summary=_text(self._end, "summary"),
            error=_text(self._end, "error") or None,
            result=result if isinstance(result, Mapping) else None,
            session=_text(self._end, "session") or None,
        )

    def _tool_call(self, record: Mapping[str, Any]) -> list[EventDraft]:
        name, call_id = _text(record, "name") or "tool", _text(record, "id")
        self._tool_names[call_id] = name
        payload = {"callId": call_id, "arguments": record.get("arguments") or {}}
        return [EventDraft(EventType.TOOL_CALL, _text(record, "text") or name, name, payload)]

    def _tool_result(self, record: Mapping[str, Any]) -> list[EventDraft]:
        call_id = _text(record, "id")
        name = _text(record, "name") or self._tool_names.pop(call_id, "tool")
        summary = _text(record, "summary")
        payload = {
            "callId": call_id,
            "ok": record.get("ok") is True,
            "exitCode": record.get("exit_code"),
            "summary": summary,
            "durationMs": record.get("duration_ms"),
        }
        return [EventDraft(EventType.TOOL_RESULT, summary or name, name, payload)]

    def _keep_end(self, record: Mapping[str, Any]) -> list[EventDraft]:
        self._ends += 1
        self._end = record
        error = _text(record, "error")
        return [notice(error, "error")] if error and record.get("success") is False else []


def _decode(line: bytes) -> Mapping[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # also bytes that are no UTF-8
        return None
    return record if isinstance(record, Mapping) else None


def _said(kind: EventType, record: Mapping[str, Any]) -> EventDraft:
    text = _text(record, "text")
    return EventDraft(kind, text, payload={"text": text})


def _file_change(record: Mapping[str, Any]) -> list[EventDraft]:
    path, kind = _text(record, "path"), _text(record, "kind") or "modified"
    return [EventDraft(EventType.FILE_CHANGE, f"{kind} {path}", payload={"path": path, "kind": kind})]


def _progress(record: Mapping[str, Any]) -> list[EventDraft]:
    facts = {_camel(name): value for name, value in record.items() if name not in ("type", "text")}
    return [EventDraft(EventType.LOG, _text(record, "text") or "progress", payload={**facts, "stream": "progress"})]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value[:MAX_TEXT_CHARACTERS] if isinstance(value, str) else "" if value is None else json.dumps(value)
