"""Language models as a run sees them: the protocol that is spoken and the address inside the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that runs may ask for. Prices are US dollars for a million tokens; None where they are not known.

    `available`: its provider answers and takes the key; else `reason` says why not.
    """

    name: str
    provider: str
    protocols: tuple[ModelProtocol, ...]
    context_tokens: int | None = None
    input_usd: float | None = None
    output_usd: float | None = None
    cache_read_usd: float | None = None
    cache_write_usd: float | None = None
    is_default: bool = False
    available: bool = True
    reason: str | None = None


def model_object(model: ModelInfo) -> dict[str, Any]:
    """A model as callers see it."""
    pricing = {
        "input": model.input_usd,
        "output": model.output_usd,
        "cacheRead": model.cache_read_usd,
        "cacheWrite": model.cache_write_usd,
    }
    return {
        "id": model.name,
        "provider": model.provider,
        "protocols": list(model.protocols),
        "contextTokens": model.context_tokens,
        "pricing": pricing if model.input_usd is not None else None,
        "default": model.is_default,
        "available": model.available,
        "reason": model.reason,
    }
