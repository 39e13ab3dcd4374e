"""Asks the model: one request, its stream read to the end, repeated with patience while that can help."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterator

from . import chat, messages, responses
from .conversation import Answer, Conversation
from .fault import ModelFault
from .records import Records
from .task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WIRES: dict[str, Any] = {"openai-chat": chat, "openai-responses": responses, "anthropic-messages": messages}
TRIES = 3
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
IDLE_SECONDS = 620.0  # the gateway gives up earlier, and says why
MAX_LINE_BYTES = 32 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
TOO_LONG = re.compile(r"context[ _](?:length|window)|prompt is too long|too many tokens|maximum context", re.IGNORECASE)
SMALLEST_OUTPUT_TOKENS = 1024


class Model:
    """`ask` is all that the loop needs; `calls` counts the requests that were made."""

    def __init__(self, task: Task, records: Records) -> None:
        self._wire = WIRES[task.protocol]
        self._task = task
        self._records = records
        self._options: dict[str, Any] = {}
        self.calls = 0

    def ask(self, conversation: Conversation) -> Answer:
        """Raises ModelFault when the model can't be asked, or not any more."""
        failures = adaptions = 0
        while True:
            try:
                return self._ask_once(conversation)
            except ModelFault as fault:
                if not fault.again:
                    if adaptions < 4 and self._adapt(conversation, fault):
                        adaptions += 1
                        continue
                    raise
                failures += 1
                if failures >= TRIES:
                    fault.message = f"{fault.message} (asked {failures} times)"
                    raise
                wait_seconds = min(LONGEST_WAIT_SECONDS, fault.wait_seconds or FIRST_WAIT_SECONDS * 2 ** (failures - 1))
                self._records.progress(
                    f"model: {fault.message.rstrip('.')}; asking again in {wait_seconds:g} s",
                    wait_ms=round(wait_seconds * 1000), failures=failures,
                )  # fmt: skip
                time.sleep(wait_seconds)

    def _adapt(self, conversation: Conversation, fault: ModelFault) -> bool:
        """Whether the request can be put in a way that this provider takes: not all know every field."""
        if fault.status not in (400, 413, 422):
            return False
        said = fault.message
        if TOO_LONG.search(said) or fault.status == 413:
            conversation.window_tokens = min(conversation.window_tokens, conversation.tokens)  # it was less than that
            return conversation.drop(kept=1) > 0
        for name, option in (("stream_options", "usage"), ("encrypted", "encrypted")):
            if name in said and self._options.get(option, True):
                self._options[option] = False
                return True
        if "max_tokens" in said:
            tokens = self._options.get("max_tokens", messages.MAX_OUTPUT_TOKENS) // 2
            self._options["max_tokens"] = tokens
            return bool(tokens >= SMALLEST_OUTPUT_TOKENS)
        return False

    def _ask_once(self, conversation: Conversation) -> Answer:
        self.calls += 1
        reader = self._wire.Reader()
        connection = _connect(self._task.url)
        try:
            for event in self._exchange(connection, conversation):
                reader.feed(event)
                if reader.whole and not isinstance(reader, chat.Reader):  # there usage comes after the end
                    break
        except (OSError, http.client.HTTPException) as error:
            raise ModelFault(f"The connection to the model was lost: {error or type(error).__name__}", True) from error
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ModelFault(f"The answer of the model is none of its protocol: {error!r}", True) from error
        finally:
            connection.close()
        if not reader.whole:
            raise ModelFault("The stream of the model stopped before its answer was whole.", True)
        answer: Answer = reader.answer
        return answer

    def _exchange(self, connection: http.client.HTTPConnection, conversation: Conversation) -> Iterator[dict[str, Any]]:
        body = self._wire.write(conversation, self._task.model, self._options)
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "User-Agent": "mogplex-builtin",
            **self._wire.headers(self._task.session),
        }
        connection.request(
            "POST", self._wire.PATH, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"), headers
        )
        response = connection.getresponse()
        if response.status != 200:
            text = response.read(MAX_ERROR_BYTES).decode("utf-8", "replace")
            raise ModelFault.of_status(response.status, _parse(text), text, response.headers)
        if "text/event-stream" not in (response.getheader("content-type") or ""):
            whole = _parse(response.read().decode("utf-8", "replace"))
            if not isinstance(whole, dict):
                raise ModelFault("The model answered with something that is neither JSON nor a stream.", True)
            yield whole
            return
        yield from _events(response)


def _connect(url: str) -> http.client.HTTPConnection:
    scheme, _, authority = url.partition("://")
    if scheme == "https":
        return http.client.HTTPSConnection(authority, timeout=IDLE_SECONDS)
    return http.client.HTTPConnection(authority, timeout=IDLE_SECONDS)


def _events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream. Events of several `data:` lines are sent by no model."""
    while True:
        line = response.readline(MAX_LINE_BYTES)
        if not line:
            return
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":  # some servers keep the connection after it
            return
        event = _parse(data.decode("utf-8", "replace"))
        if isinstance(event, dict):
            yield event


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
