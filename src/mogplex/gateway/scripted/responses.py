"""OpenAI Responses: reads requests, writes answers, streams and errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mogplex.domain.model import ModelProtocol
from mogplex.domain.usage import Usage
from mogplex.gateway.scripted.conversation import Asked, Entry, conversation_of, directory_of, index_of, place_of
from mogplex.gateway.scripted.reply import Call, Reply, Stop
from mogplex.gateway.scripted.sse import event

BY_MODEL = ("function_call", "custom_tool_call", "reasoning", "local_shell_call")
CREATED = 1_750_000_000  # a fixed moment, so that the same scenario always sends the same bytes


def read(body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    given = body.get("input")
    items = [item for item in given if isinstance(item, Mapping)] if isinstance(given, list) else []
    entries = [
        Entry(
            item.get("type") in BY_MODEL or item.get("role") == "assistant",
            (str(item["call_id"]),) if "call_id" in item else (),
        )
        for item in items
    ]
    before = index_of(str(body.get("previous_response_id") or ""))
    tools = {str(tool.get("name", tool.get("type"))): _kind(tool) for tool in body.get("tools") or []}
    opening = [item for item in items if item.get("role") == "user"][:2] or given
    return Asked(
        ModelProtocol.RESPONSES, str(body.get("model", "")), body.get("stream") is True, tools,
        place_of(entries, 0 if before is None else before + 1),
        conversation_of(headers, opening), directory_of(json.dumps(items[:6])),
        namespaces=_find_namespaces(body.get("tools") or []),
    )  # fmt: skip


def _find_namespaces(tools: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Codex groups the tools of an MCP server: `mcp__server__tool` is `tool` in the namespace `mcp__server`."""
    groups = [tool for tool in tools if tool.get("type") == "namespace"]
    return {f"{group['name']}__{tool['name']}": str(group["name"]) for group in groups for tool in group["tools"]}


def usage_wire(usage: Usage) -> dict[str, Any]:
    given = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": usage.cache_read_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": given + usage.output_tokens,
    }


def answer(reply: Reply) -> dict[str, Any]:
    limited = reply.stop is Stop.TOKEN_LIMIT
    return {
        **_head(reply, "incomplete" if limited else "completed"),
        "incomplete_details": {"reason": "max_output_tokens"} if limited else None,
        "output": _items(reply),
        "usage": usage_wire(reply.usage),
    }


def stream(reply: Reply, size: int, wants_usage: bool = True) -> Iterator[bytes]:
    number = 0

    def send(data: dict[str, Any]) -> bytes:
        nonlocal number
        number += 1
        return event({"type": data["type"], "sequence_number": number - 1, **data}, str(data["type"]))

    opened = {**_head(reply, "in_progress"), "output": []}
    yield send({"type": "response.created", "response": opened})
    yield send({"type": "response.in_progress", "response": opened})
    for index, item in enumerate(_items(reply)):
        place = {"output_index": index, "item_id": item["id"]}
        begun = {"type": "response.output_item.added", "output_index": index, "item": _empty(item)}
        yield send(begun)
        for data in _deltas(item, reply, size):
            yield send({"type": data["type"], **place, **data})
        yield send({"type": "response.output_item.done", "output_index": index, "item": item})
    kind = "response.incomplete" if reply.stop is Stop.TOKEN_LIMIT else "response.completed"
    yield send({"type": kind, "response": answer(reply)})


def failure(status: int, kind: str, message: str, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_event(message: str, reply: Reply) -> bytes:
    failed = {**_head(reply, "failed"), "error": {"code": "server_error", "message": message}, "output": []}
    return event({"type": "response.failed", "response": failed}, "response.failed")


def _deltas(item: Mapping[str, Any], reply: Reply, size: int) -> Iterator[dict[str, Any]]:
    """What a stream says between the beginning of an item and its end."""
    kind = item["type"]
    if kind == "reasoning":
        for piece in reply.pieces(reply.reasoning, size):
            yield {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", "summary_index": 0, "text": reply.reasoning}
    elif kind == "message":
        part = item["content"][0]
        name = "refusal" if part["type"] == "refusal" else "output_text"
        blank = {**part, ("refusal" if name == "refusal" else "text"): ""}
        yield {"type": "response.content_part.added", "content_index": 0, "part": blank}
        for piece in reply.pieces(reply.text, size):
            yield {"type": f"response.{name}.delta", "content_index": 0, "delta": piece}
        yield {"type": "response.content_part.done", "content_index": 0, "part": part}
    else:
        name, field = _call_words(item)
        for piece in reply.pieces(item[field], size):
            yield {"type": f"response.{name}.delta", "delta": piece}
        yield {"type": f"response.{name}.done", field: item[field]}


def _items(reply: Reply) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if reply.reasoning:
        summary = [{"type": "summary_text", "text": reply.reasoning}]
        items.append({"type": "reasoning", "id": f"rs_{reply.serial}", "summary": summary})
    if reply.text:
        part: dict[str, Any] = {"type": "output_text", "text": reply.text, "annotations": []}
        if reply.stop is Stop.REFUSAL:
            part = {"type": "refusal", "refusal": reply.text}
        status = "incomplete" if reply.stop is Stop.TOKEN_LIMIT else "completed"
        message = {"type": "message", "id": f"msg_{reply.serial}", "role": "assistant", "status": status}
        items.append({**message, "content": [part]})
    items += [_call_item(call) for call in reply.calls]
    return items


def _call_item(call: Call) -> dict[str, Any]:
    kind, field = ("custom_tool_call", "input") if call.custom else ("function_call", "arguments")
    named = {"type": kind, "id": f"fc_{call.id}", "call_id": call.id, "name": call.name}
    place = {"namespace": call.namespace} if call.namespace else {}
    return {**named, **place, field: call.arguments, "status": "completed"}


def _empty(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item as it is announced: without its content."""
    blank: dict[str, Any] = {"reasoning": {"summary": []}, "message": {"content": [], "status": "in_progress"}}
    if item["type"] in blank:
        return {**item, **blank[item["type"]]}
    return {**item, _call_words(item)[1]: "", "status": "in_progress"}


def _call_words(item: Mapping[str, Any]) -> tuple[str, str]:
    custom = item["type"] == "custom_tool_call"
    return ("custom_tool_call_input", "input") if custom else ("function_call_arguments", "arguments")


def _kind(tool: Mapping[str, Any]) -> str:
    return "custom" if tool.get("type") == "custom" else "function"


def _head(reply: Reply, status: str) -> dict[str, Any]:
    name = f"resp_s{reply.index}_{reply.serial}"
    return {"id": name, "object": "response", "created_at": CREATED, "model": reply.model, "status": status}
