"""Language models as a run sees them: the protocol that is spoken and the address inside the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MODEL_PORT = 8081
"""The model gateway on the sandbox's own 127.0.0.1. Who comes in is known by the listener, so no key is needed."""


class ModelProtocol(StrEnum):
    """The three wire protocols that providers and harnesses speak."""

    RESPONSES = "openai-responses"  # POST …/responses
    CHAT = "openai-chat"  # POST …/chat/completions
    MESSAGES = "anthropic-messages"  # POST …/v1/messages


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """Where a harness finds its model, and how to speak to it there.

    `url` has no path and no slash at its end (`http://127.0.0.1:8081`); OpenAI's protocols live below `/v1`, and so
    does Anthropic's `/v1/messages`. `context_tokens` is None when nobody knows the model's window.
    """

    url: str
    protocol: ModelProtocol
    model: str
    context_tokens: int | None = None
