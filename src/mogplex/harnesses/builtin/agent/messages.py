"""Anthropic Messages: requests from conversations, answers from streams."""

from __future__ import annotations

import json

from .conversation import Answer, Call, Conversation, Output
from .fault import ModelFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = "/v1/messages"
MAX_OUTPUT_TOKENS = 16_384
STOPS = {
    "tool_use": "tools",
    "max_tokens": "limit",
    "model_context_window_exceeded": "limit",
    "refusal": "refusal",
}
CACHED = {"cache_control": {"type": "ephemeral"}}


def headers(session: str) -> dict[str, str]:
    return {"anthropic-version": "2023-06-01", "x-session-id": session}


def write(conversation: Conversation, model: str, options: dict[str, Any]) -> dict[str, Any]:
    """The request's body. The provider is told to cache the system prompt and the conversation so far."""
    messages: list[dict[str, Any]] = []
    for part in conversation.parts:
        if isinstance(part, Answer):
            messages.append({"role": "assistant", "content": _said(part)})
            continue
        block: dict[str, Any] = {"type": "text", "text": part.text}
        if isinstance(part, Output):
            block = {"type": "tool_result", "tool_use_id": part.call.id, "content": part.text, "is_error": not part.ok}
        if messages and messages[-1]["role"] == "user":  # outputs of one answer belong into one message
            messages[-1]["content"].append(block)
        else:
            messages.append({"role": "user", "content": [block]})
    messages[-1]["content"][-1] = {**messages[-1]["content"][-1], **CACHED}
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": options.get("max_tokens", MAX_OUTPUT_TOKENS),
        "system": [{"type": "text", "text": conversation.system, **CACHED}],
        "messages": messages,
        "stream": True,
    }
    if conversation.tools:
        body["tools"] = [
            {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}
            for tool in conversation.tools
        ]
    return body


def _said(answer: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = list(answer.raw)  # thinking, which must come first
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    for call in answer.calls:
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call.arguments)})
    return blocks or [{"type": "text", "text": "(nothing)"}]


def _input(arguments: str) -> dict[str, Any]:
    """What was malformed has no form here; the output of the call says what was wrong with it."""
    try:
        given = json.loads(arguments or "{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


class Reader:
    """Puts an answer together from the events of a stream; `whole` once nothing is missing."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.whole = False
        self._blocks: dict[int, dict[str, Any]] = {}

    def feed(self, event: dict[str, Any]) -> None:
        """Raises ModelFault when the provider says in the stream that it failed."""
        kind = event.get("type")
        if kind == "error":
            raise ModelFault.told(event.get("error"))
        if kind == "message_start":
            self._count(event["message"].get("usage"))
        elif kind == "content_block_start":
            self._blocks[event["index"]] = {**event["content_block"], "json": ""}
        elif kind == "content_block_delta":
            self._add(self._blocks[event["index"]], event["delta"])
        elif kind == "message_delta":
            self._finish(event["delta"].get("stop_reason"))
        elif kind == "message_stop":
            self.whole = True
        elif kind == "message":  # an answer that was not streamed
            self._count(event.get("usage"))
            self._blocks = {number: {"json": "", **block} for number, block in enumerate(event.get("content") or [])}
            self._finish(event.get("stop_reason"))
            self.whole = True

    def _count(self, usage: dict[str, Any] | None) -> None:
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        self.answer.input_tokens = sum((usage or {}).get(name) or 0 for name in names) or None

    def _add(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        block["json"] += delta.get("partial_json") or ""
        for name in ("text", "thinking", "signature"):
            if name in delta:
                block[name] = (block.get(name) or "") + delta[name]

    def _finish(self, reason: str | None) -> None:
        answer = self.answer
        for block in self._blocks.values():
            arguments = block.pop("json")
            if block["type"] == "text":
                answer.text += block["text"]
            elif block["type"] == "tool_use":
                answer.calls.append(Call(block["id"], block["name"], arguments or _written(block["input"])))
            else:
                answer.raw.append(block)
                answer.reasoning += block.get("thinking") or ""
        answer.stop = STOPS.get(reason or "", "tools" if answer.calls else "end")


def _written(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)
