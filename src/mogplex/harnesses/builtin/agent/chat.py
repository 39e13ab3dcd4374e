"""OpenAI Chat Completions: requests from conversations, answers from streams."""

from __future__ import annotations

from .conversation import Answer, Call, Conversation, Output
from .fault import ModelFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = "/v1/chat/completions"
STOPS = {"length": "limit", "content_filter": "refusal", "tool_calls": "tools", "function_call": "tools"}


def headers(session: str) -> dict[str, str]:
    return {"session-id": session}


def write(conversation: Conversation, model: str, options: dict[str, Any]) -> dict[str, Any]:
    """The request's body."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": conversation.system}]
    for part in conversation.parts:
        if isinstance(part, Answer):
            said: dict[str, Any] = {"role": "assistant", "content": part.text or (None if part.calls else "")}
            if part.calls:
                said["tool_calls"] = [
                    {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                    for call in part.calls
                ]
            messages.append(said)
        elif isinstance(part, Output):
            messages.append({"role": "tool", "tool_call_id": part.call.id, "content": part.text})
        else:
            messages.append({"role": "user", "content": part.text})
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": True}
    if conversation.tools:
        body["tools"] = [{"type": "function", "function": tool} for tool in conversation.tools]
    if options.get("usage", True):
        body["stream_options"] = {"include_usage": True}
    return body


class Reader:
    """Puts an answer together from the events of a stream; `whole` once nothing is missing."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.whole = False
        self._calls: dict[Any, Call] = {}
        self._refusal = ""

    def feed(self, event: dict[str, Any]) -> None:
        """Raises ModelFault when the provider says in the stream that it failed."""
        if event.get("error"):
            raise ModelFault.told(event["error"])
        usage = event.get("usage") or {}
        if usage.get("prompt_tokens"):
            self.answer.input_tokens = usage["prompt_tokens"]
        for choice in event.get("choices") or []:
            self._add(choice.get("delta") or choice.get("message") or {})
            if choice.get("finish_reason"):
                self._finish(choice["finish_reason"])

    def _add(self, delta: dict[str, Any]) -> None:
        self.answer.text += delta.get("content") or ""
        self.answer.reasoning += delta.get("reasoning_content") or delta.get("reasoning") or ""
        self._refusal += delta.get("refusal") or ""
        for position, piece in enumerate(delta.get("tool_calls") or []):
            index = piece.get("index", position)
            function = piece.get("function") or {}
            call = self._calls.setdefault(index, Call("", "", ""))
            call.id = piece.get("id") or call.id
            call.name += function.get("name") or ""
            call.arguments += function.get("arguments") or ""

    def _finish(self, reason: str) -> None:
        self.whole = True
        answer = self.answer
        answer.calls = list(self._calls.values())
        for number, call in enumerate(answer.calls):
            call.id = call.id or f"call_{number}"  # some servers give none
        answer.stop = STOPS.get(reason, "tools" if answer.calls else "end")
        if self._refusal:
            answer.text, answer.stop = self._refusal, "refusal"
