"""A plain client of the three protocols, that knows nothing of the scripted model."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mogplex.domain.model import ModelProtocol

PATHS = {
    ModelProtocol.CHAT: "/v1/chat/completions",
    ModelProtocol.RESPONSES: "/v1/responses",
    ModelProtocol.MESSAGES: "/v1/messages?beta=true",
}
TOOLS = ("shell", "read", "edit")


@dataclass
class Answer:
    """Status, headers (lower case) and body of an answer; `data` are the events of a stream."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def data(self) -> list[Any]:
        lines = [line[6:] for line in self.text.splitlines() if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]


def body_of(protocol: ModelProtocol, history: list[Any], stream: bool, tools: tuple[str, ...] = TOOLS) -> Any:
    body: dict[str, Any] = {"model": "gpt-5.5", "stream": stream}
    if protocol is ModelProtocol.RESPONSES:
        body["input"] = history
        body["tools"] = [{"type": "function", "name": name, "parameters": {}} for name in tools]
    elif protocol is ModelProtocol.CHAT:
        body["messages"] = history
        body["tools"] = [{"type": "function", "function": {"name": name}} for name in tools]
        if stream:
            body["stream_options"] = {"include_usage": True}
    else:
        body |= {"messages": history, "max_tokens": 100, "tools": [{"name": name} for name in tools]}
    return body


def post(url: str, protocol: ModelProtocol, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Raises what a client would see: ConnectionError, http.client.IncompleteRead, TimeoutError."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        connection.request("POST", PATHS[protocol], raw, sent)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read().decode())
    finally:
        connection.close()


def ask(url: str, protocol: ModelProtocol, history: list[Any], stream: bool = False, **options: Any) -> Answer:
    return post(url, protocol, body_of(protocol, history, stream, **options))


def said(
    protocol: ModelProtocol, answer: Answer, stream: bool
) -> tuple[str, list[tuple[str, str, str]], dict[str, int]]:
    """Text, calls (id, name, arguments) and usage, put together as clients of that protocol do."""
    return {
        ModelProtocol.CHAT: _of_chat,
        ModelProtocol.RESPONSES: _of_responses,
        ModelProtocol.MESSAGES: _of_messages,
    }[protocol](answer, stream)  # fmt: skip


def _of_chat(answer: Answer, stream: bool) -> Any:
    if not stream:
        message, usage = answer.json["choices"][0]["message"], answer.json["usage"]
        calls = [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls", [])]
        return message["content"] or message.get("refusal") or "", calls, usage
    text, calls, usage = "", {}, {}
    for data in answer.data:
        usage = data.get("usage") or usage
        for choice in data["choices"]:
            text += choice["delta"].get("content") or choice["delta"].get("refusal") or ""
            for call in choice["delta"].get("tool_calls", []):
                kept = calls.setdefault(call["index"], ["", "", ""])
                kept[0] += call.get("id", "")
                kept[1] += call["function"].get("name", "")
                kept[2] += call["function"].get("arguments", "")
    return text, [tuple(call) for call in calls.values()], usage


def _of_responses(answer: Answer, stream: bool) -> Any:
    whole = answer.data[-1]["response"] if stream else answer.json
    items = [data["item"] for data in answer.data if data["type"] == "response.output_item.done"] if stream else []
    items = items or whole["output"]
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    calls = [
        (item["call_id"], item["name"], item.get("arguments", item.get("input")))
        for item in items
        if item["type"] in ("function_call", "custom_tool_call")
    ]
    return "".join(part.get("text") or part.get("refusal") for part in parts), calls, whole["usage"]


def _of_messages(answer: Answer, stream: bool) -> Any:
    if not stream:
        blocks = answer.json["content"]
        calls = [(b["id"], b["name"], json.dumps(b["input"])) for b in blocks if b["type"] == "tool_use"]
        return "".join(b["text"] for b in blocks if b["type"] == "text"), calls, answer.json["usage"]
    text, calls, usage = "", {}, {}
    for data in answer.data:
        if data["type"] == "message_start":
            usage = data["message"]["usage"]
        elif data["type"] == "message_delta":
            usage = {**usage, **data["usage"]}
        elif data["type"] == "content_block_start" and data["content_block"]["type"] == "tool_use":
            calls[data["index"]] = [data["content_block"]["id"], data["content_block"]["name"], ""]
        elif data["type"] == "content_block_delta":
            text += data["delta"].get("text", "")
            if "partial_json" in data["delta"]:
                calls[data["index"]][2] += data["delta"]["partial_json"]
    return text, [tuple(call) for call in calls.values()], usage


def history_after(protocol: ModelProtocol, calls: list[tuple[str, str, str]]) -> Iterator[Any]:
    """What a client appends to its history after one answer: the answer, and the results of its calls."""
    if protocol is ModelProtocol.RESPONSES:
        for name, tool, arguments in calls:
            yield {"type": "function_call", "call_id": name, "name": tool, "arguments": arguments}
        for name, _, _ in calls:
            yield {"type": "function_call_output", "call_id": name, "output": "ok"}
    elif protocol is ModelProtocol.CHAT:
        made = [{"id": c, "type": "function", "function": {"name": t, "arguments": a}} for c, t, a in calls]
        yield {"role": "assistant", "content": None, "tool_calls": made}
        for name, _, _ in calls:
            yield {"role": "tool", "tool_call_id": name, "content": "ok"}
    else:
        made = [{"type": "tool_use", "id": c, "name": t, "input": json.loads(a)} for c, t, a in calls]
        yield {"role": "assistant", "content": made}
        yield {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": c, "content": "ok"} for c, _, _ in calls],
        }
