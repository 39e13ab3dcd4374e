"""The stream of `codex exec --json`: one JSON object a line, a thread of turns of items.

It succeeded when `turn.completed` was its last word. `error` lines tell of retries until `turn.failed` repeats the last
one; an item of type `error` is a warning. A command's whole output is one line, up to about 1.2 MB.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import Claim
from mogplex.harnesses.lines import (
    decode,
    in_repo,
    keep,
    last_line,
    mapping,
    notice,
    objects,
    session_name,
    string,
    text_of,
)

_RETRY = re.compile(r"Reconnecting\.\.\. (\d+)/(\d+)(?: \((.*)\))?", re.DOTALL)
_KINDS = {"add": "added", "update": "modified", "delete": "deleted"}
_ENDS = ("turn.completed", "turn.failed")
_QUIET = ("turn.started",)

Record = Mapping[str, Any]


class CodexStream:
    """Translates one run of Codex. `clock` gives seconds; Codex's lines have no times of their own."""

    def __init__(self, *, wants_result: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._wants_result = wants_result
        self._clock = clock
        self._session: str | None = None
        self._ends: list[Record] = []
        self._spoke_after_end = False
        self._last_message = ""
        self._begun: dict[str, float] = {}  # item id -> seconds

    @property
    def ended(self) -> bool:
        return bool(self._ends)

    def feed(self, line: bytes) -> Iterable[EventDraft]:
        """One line without its newline."""
        if not line.strip():
            return []
        record = decode(line)
        kind = string(record, "type") if record is not None else ""
        if record is None or not kind:
            return [keep(line)]
        self._spoke_after_end = bool(self._ends) and kind not in _ENDS
        drafts = self._translate(kind, record)
        if drafts is None:
            drafts = [keep(line)]
        if drafts:
            drafts[0] = replace(drafts[0], raw=text_of(line))
        return drafts

    def close(self) -> Claim:
        """Success only if a single `turn.completed` was the last word."""
        if not self._ends:
            return Claim(success=None, whole=False, summary=self._last_message, session=self._session)
        if len(self._ends) > 1 or self._spoke_after_end:
            error = "Codex went on after it had ended its turn, so its first ending can't be believed."
            return Claim(success=None, whole=False, summary=self._last_message, error=error, session=self._session)
        end = self._ends[0]
        if end.get("type") == "turn.failed":
            error = _plain_error(string(mapping(end, "error"), "message")) or "Codex failed without saying why."
            return Claim(False, True, self._last_message, error, session=self._session)
        return Claim(True, True, self._last_message, result=self._result(), session=self._session)

    def _result(self) -> Record | None:
        return decode(self._last_message.encode()) if self._wants_result else None

    def _translate(self, kind: str, record: Record) -> list[EventDraft] | None:
        """None for what we don't know."""
        if kind in _ENDS:
            self._ends.append(record)
            return self._ended(kind, record)
        if kind == "thread.started":
            self._session = session_name(record, "thread_id")
            return [notice("session started", session=self._session)]
        if kind in _QUIET:
            return []
        if kind == "error":
            return [_error(string(record, "message"))]
        if kind.startswith("item."):
            return self._item(kind, mapping(record, "item"))
        return None

    def _ended(self, kind: str, record: Record) -> list[EventDraft]:
        if kind == "turn.completed":
            return [notice("turn completed", usage=dict(mapping(record, "usage")))]
        return [notice(_plain_error(string(mapping(record, "error"), "message")) or "turn failed", "error")]

    def _item(self, kind: str, item: Record) -> list[EventDraft] | None:
        sort = string(item, "type")
        started, completed = kind == "item.started", kind == "item.completed"
        if sort == "agent_message" and completed:
            self._last_message = string(item, "text")
            return [_said(EventType.ASSISTANT_MESSAGE, self._last_message)]
        if sort == "reasoning" and completed:
            return [_said(EventType.REASONING, string(item, "text"))]
        if sort == "error" and completed:
            return [notice(string(item, "message"), "warning")]
        tell = _TOOLS.get(sort)
        if tell is None or not (started or completed):
            return None
        name, arguments = tell(item)
        call_id = string(item, "id")
        drafts: list[EventDraft] = []
        if call_id not in self._begun:  # some items have no start
            self._begun[call_id] = self._clock()
            payload = {"callId": call_id, "arguments": arguments}
            drafts.append(EventDraft(EventType.TOOL_CALL, _headline(name, arguments), name, payload))
        if completed:
            drafts += self._finished(call_id, name, item)
        return drafts

    def _finished(self, call_id: str, name: str, item: Record) -> list[EventDraft]:
        ok = item.get("status") == "completed"
        exit_code = item.get("exit_code")
        output = string(item, "aggregated_output") or _outcome(item)
        payload = {
            "callId": call_id,
            "ok": ok,
            "exitCode": exit_code if isinstance(exit_code, int) else None,
            "summary": output,
            "durationMs": round((self._clock() - self._begun.pop(call_id)) * 1000),
        }
        message = last_line(output) or string(item, "status") or name
        drafts = [EventDraft(EventType.TOOL_RESULT, message, name, payload)]
        if name == "apply_patch" and ok:
            drafts += [_changed(change) for change in objects(item, "changes")]
        return drafts


def _said(kind: EventType, text: str) -> EventDraft:
    return EventDraft(kind, text, payload={"text": text})


def _error(message: str) -> EventDraft:
    retry = _RETRY.match(message)
    if retry is None:
        return notice(_plain_error(message) or "error", "error")
    attempt, of, reason = retry.groups()
    payload = {"status": None, "attempt": int(attempt), "of": int(of), "waitMs": None, "by": "harness"}
    return EventDraft(EventType.MODEL_RETRY, reason or "the model could not be reached", payload=payload)


def _plain_error(message: str) -> str:
    """A provider's error body comes as it is: take its text."""
    body = decode(message.encode())
    return message if body is None else string(mapping(body, "error"), "message") or message


def _changed(change: Record) -> EventDraft:
    path, kind = in_repo(string(change, "path")), _KINDS.get(string(change, "kind"), "modified")
    return EventDraft(EventType.FILE_CHANGE, f"{kind} {path}", payload={"path": path, "kind": kind})


def _outcome(item: Record) -> str:
    """What a tool call that is no command gave back."""
    failed = string(mapping(item, "error"), "message")
    parts = [string(part, "text") for part in objects(mapping(item, "result"), "content")]
    return failed or "\n".join(part for part in parts if part)


def _headline(name: str, arguments: Mapping[str, Any]) -> str:
    first = next((value for value in arguments.values() if isinstance(value, str)), "")
    return first.partition("\n")[0] or name


def _command(item: Record) -> tuple[str, Mapping[str, Any]]:
    return "shell", {"command": string(item, "command")}


def _patch(item: Record) -> tuple[str, Mapping[str, Any]]:
    changes = [
        {"path": in_repo(string(each, "path")), "kind": string(each, "kind")} for each in objects(item, "changes")
    ]
    return "apply_patch", {"changes": changes}


def _mcp(item: Record) -> tuple[str, Mapping[str, Any]]:
    arguments = item.get("arguments")
    name = f"mcp__{string(item, 'server')}__{string(item, 'tool')}"
    return name, arguments if isinstance(arguments, Mapping) else {"arguments": arguments}


def _search(item: Record) -> tuple[str, Mapping[str, Any]]:
    return "web_search", {"query": string(item, "query")}


_TOOLS: Mapping[str, Callable[[Record], tuple[str, Mapping[str, Any]]]] = {
    "command_execution": _command,
    "file_change": _patch,
    "mcp_tool_call": _mcp,
    "web_search": _search,
}
