"""Anthropic Messages: reads requests, writes answers, streams and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mogplex.domain.model import ModelProtocol
from mogplex.domain.usage import Usage
from mogplex.gateway.scripted.conversation import Asked, Entry, conversation_of, directory_of, place_of
from mogplex.gateway.scripted.reply import Reply, Stop
from mogplex.gateway.scripted.sse import event

FINISH = {Stop.END: "end_turn", Stop.TOOLS: "tool_use", Stop.TOKEN_LIMIT: "max_tokens", Stop.REFUSAL: "refusal"}
SIGNATURE = "c2lnbmVk"  # of thinking blocks; clients send it back and never look into it


def read(body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    messages = [message for message in body.get("messages") or [] if isinstance(message, Mapping)]
    entries = [Entry(message.get("role") == "assistant", _call_ids(message)) for message in messages]
    tools = {str(tool.get("name")): "function" for tool in body.get("tools") or []}
    prompt = json.dumps([body.get("system"), messages[:2]])
    return Asked(
        ModelProtocol.MESSAGES, str(body.get("model", "")), body.get("stream") is True, tools, place_of(entries),
        conversation_of(headers, messages[:1]), directory_of(prompt),
    )  # fmt: skip


def usage_wire(usage: Usage, output_tokens: int | None = None) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens if output_tokens is None else output_tokens,
    }


def answer(reply: Reply) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if reply.reasoning:
        content.append({"type": "thinking", "thinking": reply.reasoning, "signature": SIGNATURE})
    if reply.text:
        content.append({"type": "text", "text": reply.text})
    for call in reply.calls:
        content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": _input_of(call.arguments)})
    ending = {"stop_reason": FINISH[reply.stop], "stop_sequence": None, "usage": usage_wire(reply.usage)}
    return {**_head(reply), "content": content, **ending}


def stream(reply: Reply, size: int, wants_usage: bool = True) -> Iterator[bytes]:
    opened = {"stop_reason": None, "stop_sequence": None, "usage": usage_wire(reply.usage, output_tokens=1)}
    yield _event({"type": "message_start", "message": {**_head(reply), "content": [], **opened}})
    index = 0
    if reply.reasoning:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in reply.pieces(reply.reasoning, size)]
        deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        yield from _block(index, {"type": "thinking", "thinking": "", "signature": ""}, deltas)
        index += 1
    if reply.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in reply.pieces(reply.text, size)]
        yield from _block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for call in reply.calls:
        start = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        pieces = reply.pieces(call.arguments, size)
        yield from _block(index, start, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces])
        index += 1
    yield _event({"type": "ping"})
    ending = {"stop_reason": FINISH[reply.stop], "stop_sequence": None}
    yield _event({"type": "message_delta", "delta": ending, "usage": usage_wire(reply.usage)})
    yield _event({"type": "message_stop"})


def failure(status: int, kind: str, message: str, code: str | None) -> dict[str, Any]:
    return {"type": "error", "error": {"type": code or kind, "message": message}}


def error_event(message: str, reply: Reply) -> bytes:
    return _event({"type": "error", "error": {"type": "overloaded_error", "message": message}})


def _block(index: int, start: dict[str, Any], deltas: list[dict[str, Any]]) -> Iterator[bytes]:
    yield _event({"type": "content_block_start", "index": index, "content_block": start})
    for delta in deltas:
        yield _event({"type": "content_block_delta", "index": index, "delta": delta})
    yield _event({"type": "content_block_stop", "index": index})


def _event(data: dict[str, Any]) -> bytes:
    return event(data, str(data["type"]))


def _head(reply: Reply) -> dict[str, Any]:
    return {"id": f"msg_{reply.serial}", "type": "message", "role": "assistant", "model": reply.model}


def _call_ids(message: Mapping[str, Any]) -> tuple[str, ...]:
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    return tuple(str(block.get("id")) for block in blocks if block.get("type") == "tool_use")


def _input_of(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:  # a malformed call: here the input has no text form, so the text stands for it
        return arguments
