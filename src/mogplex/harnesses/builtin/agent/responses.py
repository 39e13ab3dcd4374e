"""OpenAI Responses: requests from conversations, answers from streams. Nothing is stored on the provider's side."""

from __future__ import annotations

from .conversation import Answer, Call, Conversation, Output
from .fault import ModelFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = "/v1/responses"


def headers(session: str) -> dict[str, str]:
    return {"session-id": session}


def write(conversation: Conversation, model: str, options: dict[str, Any]) -> dict[str, Any]:
    """The request's body."""
    items: list[dict[str, Any]] = []
    for part in conversation.parts:
        if isinstance(part, Answer):
            items += [item for item in part.raw if not _is_empty_reasoning(item)]
        elif isinstance(part, Output):
            items.append({"type": "function_call_output", "call_id": part.call.id, "output": part.text})
        else:
            items.append({"role": "user", "content": [{"type": "input_text", "text": part.text}]})
    body: dict[str, Any] = {
        "model": model,
        "instructions": conversation.system,
        "input": items,
        "stream": True,
        "store": False,
    }
    if conversation.tools:
        body["tools"] = [{"type": "function", "strict": False, **tool} for tool in conversation.tools]
    if options.get("encrypted", True):
        body["include"] = ["reasoning.encrypted_content"]  # else reasoning is lost between our requests
    return body


class Reader:
    """Puts an answer together from the events of a stream; `whole` once nothing is missing."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.whole = False
        self._items: list[dict[str, Any]] = []

    def feed(self, event: dict[str, Any]) -> None:
        """Raises ModelFault when the provider says in the stream that it failed."""
        kind = event.get("type")
        if kind == "error":
            raise ModelFault.told(event.get("error") or event)
        if event.get("object") == "response":  # an answer that was not streamed
            self._finish(event)
        elif kind == "response.output_item.done":
            self._items.append(event["item"])
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._finish(event["response"])

    def _finish(self, response: dict[str, Any]) -> None:
        if response.get("status") == "failed":
            raise ModelFault.told(response.get("error"))
        answer = self.answer
        answer.input_tokens = (response.get("usage") or {}).get("input_tokens")
        refused = False
        for item in response.get("output") or self._items:
            kind = item.get("type")
            if kind == "message":
                for part in item.get("content") or []:
                    answer.text += part.get("text") or part.get("refusal") or ""
                    refused = refused or part.get("type") == "refusal"
            elif kind == "reasoning":
                answer.reasoning += "\n".join(part.get("text", "") for part in item.get("summary") or [])
            elif kind in ("function_call", "custom_tool_call"):
                arguments = item.get("arguments", item.get("input")) or ""
                answer.calls.append(Call(item["call_id"], item["name"], arguments))
            answer.raw.append(_to_send_back(item))
        answer.stop = "refusal" if refused else "tools" if answer.calls else "end"
        if response.get("status") == "incomplete":
            reason = (response.get("incomplete_details") or {}).get("reason")
            answer.stop = "refusal" if reason == "content_filter" else "limit"
        self.whole = True


def _to_send_back(item: dict[str, Any]) -> dict[str, Any]:
    """An item as input: ids of items that are not stored mean nothing to the provider."""
    return {name: value for name, value in item.items() if name not in ("id", "status")}


def _is_empty_reasoning(item: dict[str, Any]) -> bool:
    """Reasoning that the provider can't read again: it was not encrypted, and nothing is stored."""
    return item.get("type") == "reasoning" and not item.get("encrypted_content")
