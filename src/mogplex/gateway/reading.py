"""What an answer says about itself: the tokens it used, whether it came whole, what went wrong. Fed with bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mogplex.domain.model import ModelProtocol
from mogplex.domain.usage import Usage

MAX_LINE_BYTES = 16 * 1024 * 1024  # of one record of a stream; longer ones are not read, only passed on
MAX_BODY_BYTES = 64 * 1024 * 1024
BYTES_PER_TOKEN = 4  # a rule of thumb for English and code, for answers that never told
_DETAIL_CHARACTERS = 500


class Reading:
    """Collects from the copy of one answer. A broken answer leaves gaps, it raises nothing."""

    def __init__(self, protocol: ModelProtocol, *, streamed: bool, request_bytes: int) -> None:
        self.streamed = streamed
        self.whole = False  # its last record was seen
        self.finished = False  # nothing that matters is missing, if it ended in good order
        self.failure: str | None = None  # what the provider said when it failed within its answer
        self.long_cache_writes = 0  # tokens of cache writes that are kept for an hour, which cost more
        self._protocol = protocol
        self._request_bytes = request_bytes
        self._answer_bytes = 0
        self._text_characters = 0
        self._told: dict[str, Any] = {}  # usage as the protocol words it
        self._told_all = False
        self._rest = b""
        self._left_out = False

    def feed(self, chunk: bytes) -> None:
        self._answer_bytes += len(chunk)
        if not self.streamed:
            if len(self._rest) + len(chunk) <= MAX_BODY_BYTES:
                self._rest += chunk
            return
        if b"\n" not in chunk:
            self._rest += chunk
            if len(self._rest) > MAX_LINE_BYTES:
                self._rest = b""
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._read_record(line[5:].strip())

    def close(self) -> None:
        """The answer ended, in good order or not."""
        if self.streamed:
            if self._rest.startswith(b"data:"):
                self._read_record(self._rest[5:].strip())
        elif self._rest:
            body = _parse(self._rest)
            if body is not None:
                self._read_body(body)
        self._rest = b""

    def usage(self) -> Usage:
        """What the provider told; where it did not tell, an estimate (`is_estimated`), never zero."""
        told = _READERS[self._protocol](self._told)
        if not self.is_estimated:
            return told
        guess_in = max(self._request_bytes // BYTES_PER_TOKEN, 1)
        known_in = told.input_tokens + told.cache_read_tokens + told.cache_write_tokens
        guess_out = max(self._text_characters // BYTES_PER_TOKEN, 1 if self._answer_bytes else 0)
        return Usage(
            input_tokens=told.input_tokens if known_in else guess_in,
            output_tokens=max(told.output_tokens, guess_out),
            cache_read_tokens=told.cache_read_tokens,
            cache_write_tokens=told.cache_write_tokens,
            reasoning_tokens=told.reasoning_tokens,
            model_calls=1,
        )

    @property
    def is_estimated(self) -> bool:
        return not self._told_all

    def _read_record(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.whole = True
            return
        record = _parse(data)
        if record is None:
            return
        if self._protocol is ModelProtocol.RESPONSES:
            self._read_responses(record)
        elif self._protocol is ModelProtocol.CHAT:
            self._read_chat(record)
        else:
            self._read_messages(record)

    def _read_responses(self, record: Mapping[str, Any]) -> None:
        kind = record.get("type")
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            self.whole = True
            response = _table(record.get("response"))
            self._note(response.get("usage"), final=True)
            if kind == "response.failed":
                self.failure = describe_error(response) or "response.failed"
        elif kind == "error":
            self.failure = describe_error(record) or "error"
        elif isinstance(record.get("delta"), str):
            self._text_characters += len(record["delta"])

    def _read_chat(self, record: Mapping[str, Any]) -> None:
        self._note(record.get("usage"), final=True)
        if record.get("error"):
            self.failure = describe_error(record) or "error"
        for choice in _list(record.get("choices")):
            delta = _table(choice.get("delta"))
            for value in (delta.get("content"), delta.get("reasoning_content")):
                self._text_characters += len(value) if isinstance(value, str) else 0
            for call in _list(delta.get("tool_calls")):
                arguments = _table(call.get("function")).get("arguments")
                self._text_characters += len(arguments) if isinstance(arguments, str) else 0
            if choice.get("finish_reason"):
                self.finished = True  # usage and end mark are still to come

    def _read_messages(self, record: Mapping[str, Any]) -> None:
        kind = record.get("type")
        if kind == "message_start":
            self._note(_table(record.get("message")).get("usage"), final=False)
        elif kind == "message_delta":
            self._note(record.get("usage"), final=True)
        elif kind == "message_stop":
            self.whole = True
        elif kind == "error":
            self.failure = describe_error(record) or "error"
        elif kind == "content_block_delta":
            for value in _table(record.get("delta")).values():
                self._text_characters += len(value) if isinstance(value, str) else 0

    def _read_body(self, body: Mapping[str, Any]) -> None:
        self._note(body.get("usage"), final=True)
        self.whole = True
        self._text_characters = self._answer_bytes
        if body.get("status") == "failed" or body.get("type") == "error":
            self.failure = describe_error(body) or "failed"

    def _note(self, usage: Any, *, final: bool) -> None:
        if not isinstance(usage, dict) or not usage:
            return
        self._told.update({name: value for name, value in usage.items() if value is not None})
        self._told_all = self._told_all or final
        kept = _table(usage.get("cache_creation")).get("ephemeral_1h_input_tokens")
        if isinstance(kept, int):
            self.long_cache_writes = kept


def describe_error(body: Mapping[str, Any]) -> str:
    """One line of a provider's error body, in any of the three dialects."""
    error = body.get("error")
    if isinstance(error, dict):
        message = str(error.get("message") or error.get("code") or error.get("type") or "")
    elif isinstance(error, str):
        message = error
    else:
        message = str(body.get("message") or body.get("detail") or "")
    return " ".join(message.split())[:_DETAIL_CHARACTERS]


def describe_refusal(body: bytes) -> str:
    """One line of the body of an answer with an error status."""
    parsed = _parse(body)
    if parsed is not None:
        return describe_error(parsed)
    return " ".join(body[:2000].decode("utf-8", "replace").split())[:_DETAIL_CHARACTERS]


def _read_openai(usage: Mapping[str, Any], names: tuple[str, str, str, str]) -> Usage:
    """OpenAI counts cached tokens among the input ones; a run's usage keeps them apart."""
    in_name, in_details, out_name, out_details = names
    details = _table(usage.get(in_details))
    cached, written = _count(details, "cached_tokens"), _count(details, "cache_write_tokens")
    return Usage(
        input_tokens=max(_count(usage, in_name) - cached - written, 0),
        output_tokens=_count(usage, out_name),
        cache_read_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=_count(_table(usage.get(out_details)), "reasoning_tokens"),
        model_calls=1,
    )


def _read_anthropic(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cache_read_tokens=_count(usage, "cache_read_input_tokens"),
        cache_write_tokens=_count(usage, "cache_creation_input_tokens"),
        model_calls=1,
    )


_RESPONSES_NAMES = ("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details")
_CHAT_NAMES = ("prompt_tokens", "prompt_tokens_details", "completion_tokens", "completion_tokens_details")
_READERS = {
    ModelProtocol.RESPONSES: lambda usage: _read_openai(usage, _RESPONSES_NAMES),
    ModelProtocol.CHAT: lambda usage: _read_openai(usage, _CHAT_NAMES),
    ModelProtocol.MESSAGES: _read_anthropic,
}


def _parse(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if type(value) is int and value > 0 else 0
