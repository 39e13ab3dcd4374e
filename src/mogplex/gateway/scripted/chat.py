"""OpenAI Chat Completions: reads requests, writes answers, streams and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mogplex.domain.model import ModelProtocol
from mogplex.domain.usage import Usage
from mogplex.gateway.scripted.conversation import Asked, Entry, conversation_of, directory_of, place_of
from mogplex.gateway.scripted.reply import Reply, Stop
from mogplex.gateway.scripted.sse import event

FINISH = {Stop.END: "stop", Stop.TOOLS: "tool_calls", Stop.TOKEN_LIMIT: "length", Stop.REFUSAL: "stop"}
CREATED = 1_750_000_000  # a fixed moment, so that the same scenario always sends the same bytes


def read(body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    messages = [message for message in body.get("messages") or [] if isinstance(message, Mapping)]
    entries = [
        Entry(
            message.get("role") == "assistant",
            tuple(str(call.get("id")) for call in message.get("tool_calls") or [] if isinstance(call, Mapping)),
        )
        for message in messages
    ]
    tools = {}
    for tool in body.get("tools") or []:
        described = tool.get("function") or tool.get("custom") or {}
        tools[str(described.get("name"))] = str(tool.get("type", "function"))
    options = body.get("stream_options") or {}
    opening = [message for message in messages if message.get("role") == "user"][:1]
    return Asked(
        ModelProtocol.CHAT, str(body.get("model", "")), body.get("stream") is True, tools, place_of(entries),
        conversation_of(headers, opening), directory_of(json.dumps(messages[:3])), bool(options.get("include_usage")),
    )  # fmt: skip


def usage_wire(usage: Usage) -> dict[str, Any]:
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output_tokens,
        "total_tokens": prompt + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def answer(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.stop is Stop.REFUSAL:
        message.update(content=None, refusal=reply.text)
    if reply.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": FINISH[reply.stop]}
    return {**_head(reply, "chat.completion"), "choices": [choice], "usage": usage_wire(reply.usage)}


def stream(reply: Reply, size: int, wants_usage: bool = True) -> Iterator[bytes]:
    head = _head(reply, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in reply.pieces(reply.reasoning, size):
        yield chunk({"reasoning_content": piece})
    for piece in reply.pieces(reply.text, size):
        yield chunk({"refusal" if reply.stop is Stop.REFUSAL else "content": piece})
    for number, call in enumerate(reply.calls):
        named = {"name": call.name, "arguments": ""}
        yield chunk({"tool_calls": [{"index": number, "id": call.id, "type": "function", "function": named}]})
        for piece in reply.pieces(call.arguments, size):
            yield chunk({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
    yield chunk({}, FINISH[reply.stop])
    if wants_usage:
        yield event({**head, "choices": [], "usage": usage_wire(reply.usage)})
    yield event("[DONE]")


def failure(status: int, kind: str, message: str, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_event(message: str, reply: Reply) -> bytes:
    return event(failure(500, "server_error", message, "server_error"))


def _head(reply: Reply, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{reply.serial}", "object": kind, "created": CREATED, "model": reply.model}
