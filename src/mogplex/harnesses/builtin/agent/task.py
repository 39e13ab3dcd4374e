"""What is to be done, as it comes in on stdin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Task:
    """`protocol` is one of `openai-chat`, `openai-responses`, `anthropic-messages`; `url` has no path."""

    prompt: str
    directory: str
    url: str
    protocol: str
    model: str
    session: str  # a name of this conversation, which the provider's side may see
    context_tokens: int | None = None
    checks: tuple[str, ...] = ()
    output_schema: dict[str, Any] | None = None

    @staticmethod
    def read(given: dict[str, Any]) -> Task:
        """Raises KeyError or TypeError when something is missing or not known."""
        return Task(**{**given, "checks": tuple(given.get("checks") or ())})
