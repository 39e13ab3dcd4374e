"""The stream of `claude -p --output-format stream-json`: one JSON object a line, a line a block of a message.

It succeeded when its last `result` has no error and was completed. A `result` may come more than once, and words after
one take it back; a refused API call is a `result` of subtype "success" with `is_error`. Usage in it is not believed:
the gateway counts.
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

_EXIT_CODE = re.compile(r"Exit code (\d+)")
_NOISE = frozenset({"thinking_tokens", "ui_invalidate", "status"})
_SYNTHETIC = "<synthetic>"

Record = Mapping[str, Any]


class ClaudeStream:
    """Translates one run of Claude Code. `clock` gives seconds, for how long a tool took."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._session: str | None = None
        self._result: Record | None = None  # None again when anything substantial follows it
        self._api_error = ""
        self._calls: dict[str, tuple[str, float]] = {}  # call id -> tool, seconds
        self._translators: Mapping[str, Callable[[Record], list[EventDraft] | None]] = {
            "system": self._system,
            "assistant": self._assistant,
            "user": self._user,
            "result": self._keep_result,
        }

    @property
    def ended(self) -> bool:
        return self._result is not None

    def feed(self, line: bytes) -> Iterable[EventDraft]:
        """One line without its newline."""
        if not line.strip():
            return []
        record = decode(line)
        translate = self._translators.get(string(record, "type")) if record is not None else None
        drafts = None if record is None or translate is None else translate(record)
        if drafts is None:
            drafts = [keep(line)]
        if drafts:
            drafts[0] = replace(drafts[0], raw=text_of(line))
        return drafts

    def close(self) -> Claim:
        """Success only if the last `result` says so in both of its ways."""
        result = self._result
        if result is None:
            return Claim(success=None, whole=False, error=self._api_error or None, session=self._session)
        structured = result.get("structured_output")
        text = string(result, "result")
        if result.get("is_error") is False and result.get("terminal_reason") == "completed":
            return Claim(
                success=True,
                whole=True,
                summary=text,
                result=structured if isinstance(structured, Mapping) else None,
                session=self._session,
            )
        return Claim(success=False, whole=True, error=_fault(result) or self._api_error, session=self._session)

    # --- kinds of lines ----------------------------------------------------------------------------------------

    def _system(self, record: Record) -> list[EventDraft] | None:
        subtype = string(record, "subtype")
        if subtype in _NOISE:
            return []
        if subtype == "init":
            return self._init(record)
        if subtype == "api_retry":
            return [_retry(record)]
        if subtype == "permission_denied":
            return [notice(f"permission denied: {string(record, 'tool_name')}", "warning")]
        return None

    def _init(self, record: Record) -> list[EventDraft]:
        self._result = None
        self._session = session_name(record, "session_id") or self._session
        facts: dict[str, Any] = {
            "session": self._session,
            "model": string(record, "model"),
            "version": string(record, "claude_code_version"),
            "tools": record.get("tools"),
        }
        drafts = [notice("session started", **facts)]
        for server in objects(record, "mcp_servers"):
            if server.get("status") != "connected":
                drafts.append(notice(f"MCP server {string(server, 'name')}: {string(server, 'status')}", "warning"))
        return drafts

    def _assistant(self, record: Record) -> list[EventDraft]:
        self._result = None
        message = mapping(record, "message")
        blocks = objects(message, "content")
        if message.get("model") == _SYNTHETIC:  # written by Claude Code itself, not by a model
            text = "\n".join(string(block, "text") for block in blocks)
            if record.get("is_api_error_message") is True:
                self._api_error = text
            return [notice(text, "error")]
        return [draft for block in blocks for draft in self._block(block)]

    def _block(self, block: Record) -> list[EventDraft]:
        kind = string(block, "type")
        if kind == "text":
            return [_said(EventType.ASSISTANT_MESSAGE, string(block, "text"))]
        if kind == "thinking":
            return [_said(EventType.REASONING, string(block, "thinking"))]
        if kind == "tool_use":
            call_id, name, arguments = string(block, "id"), string(block, "name") or "tool", mapping(block, "input")
            self._calls[call_id] = (name, self._clock())
            payload = {"callId": call_id, "arguments": arguments}
            return [EventDraft(EventType.TOOL_CALL, _headline(name, arguments), name, payload)]
        return [notice(f"a block of type {kind or 'unknown'}")]

    def _user(self, record: Record) -> list[EventDraft] | None:
        self._result = None
        message = mapping(record, "message")
        drafts: list[EventDraft] = []
        for block in objects(message, "content"):
            if block.get("type") == "tool_result":
                drafts += self._tool_result(block, record)
            elif block.get("type") == "text":  # Claude Code speaking to its model: an interruption, a cut answer
                drafts.append(notice(string(block, "text"), "warning"))
        return drafts or None

    def _tool_result(self, block: Record, record: Record) -> list[EventDraft]:
        call_id = string(block, "tool_use_id")
        name, begun = self._calls.pop(call_id, ("tool", self._clock()))
        output, failed = _output(block), block.get("is_error") is True
        code = _EXIT_CODE.match(output) if failed else None
        payload = {
            "callId": call_id,
            "ok": not failed,
            "exitCode": int(code.group(1)) if code else 0 if name == "Bash" and not failed else None,
            "summary": output,
            "durationMs": round((self._clock() - begun) * 1000),
        }
        drafts = [EventDraft(EventType.TOOL_RESULT, last_line(output) or name, name, payload)]
        written = mapping(record, "tool_use_result")
        path = string(written, "filePath")  # of Edit and Write; what Bash wrote is in the patch
        if path and not failed and name in ("Edit", "Write", "NotebookEdit"):
            kind = "added" if written.get("type") == "create" else "modified"
            path = in_repo(path)
            drafts.append(EventDraft(EventType.FILE_CHANGE, f"{kind} {path}", payload={"path": path, "kind": kind}))
        return drafts

    def _keep_result(self, record: Record) -> list[EventDraft]:
        self._result = record
        self._session = session_name(record, "session_id") or self._session
        facts: dict[str, Any] = {"reason": record.get("terminal_reason"), "turns": record.get("num_turns")}
        if record.get("is_error") is not False:
            return [notice(_fault(record) or "ended with an error", "error", **facts)]
        drafts = [notice("result", **facts)]
        denials = objects(record, "permission_denials")
        if denials:
            names = ", ".join(sorted({string(each, "tool_name") for each in denials}))
            drafts.append(notice(f"{len(denials)} tool calls were denied: {names}", "warning"))
        return drafts


def _said(kind: EventType, text: str) -> EventDraft:
    return EventDraft(kind, text, payload={"text": text})


def _retry(record: Record) -> EventDraft:
    payload = {
        "status": record.get("error_status"),
        "attempt": record.get("attempt"),
        "of": record.get("max_retries"),
        "waitMs": record.get("retry_delay_ms"),
        "by": "harness",
    }
    return EventDraft(EventType.MODEL_RETRY, string(record, "error") or "the model is asked again", payload=payload)


def _fault(result: Record) -> str:
    """Why a `result` is no success."""
    errors = result.get("errors")
    said = [each for each in errors if isinstance(each, str)] if isinstance(errors, list) else []
    text = string(result, "result") or "; ".join(said)
    reason = string(result, "terminal_reason") or string(result, "subtype")
    return text or f"Claude Code ended with {reason or 'an error'}."


def _output(block: Record) -> str:
    """A tool's result is a text or a list of parts."""
    parts = [string(part, "text") or f"[{string(part, 'type')}]" for part in objects(block, "content")]
    return string(block, "content") or "\n".join(parts)


def _headline(name: str, arguments: Record) -> str:
    wanted = ("command", "file_path", "pattern", "path", "description")
    first = next((string(arguments, key) for key in wanted if string(arguments, key)), "")
    return first.partition("\n")[0] or name
