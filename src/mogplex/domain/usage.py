"""What a run has used so far: tokens of its model calls by class, and its tool calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over a run's model calls. `input_tokens` leaves out cached ones; reasoning tokens are part of the output."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    tool_errors: int = 0

    @property
    def tokens(self) -> int:
        """Of all classes; reasoning tokens are part of the output, so they are not counted again."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def as_wire(self) -> dict[str, int]:
        return {
            "inputTokens": self.input_tokens,
            "outputTokens": self.output_tokens,
            "cacheReadTokens": self.cache_read_tokens,
            "cacheWriteTokens": self.cache_write_tokens,
            "reasoningTokens": self.reasoning_tokens,
            "modelCalls": self.model_calls,
            "toolCalls": self.tool_calls,
            "toolErrors": self.tool_errors,
        }

    @staticmethod
    def of(wire: Mapping[str, Any] | None) -> Usage:
        wire = wire or {}
        return Usage(
            input_tokens=wire.get("inputTokens", 0),
            output_tokens=wire.get("outputTokens", 0),
            cache_read_tokens=wire.get("cacheReadTokens", 0),
            cache_write_tokens=wire.get("cacheWriteTokens", 0),
            reasoning_tokens=wire.get("reasoningTokens", 0),
            model_calls=wire.get("modelCalls", 0),
            tool_calls=wire.get("toolCalls", 0),
            tool_errors=wire.get("toolErrors", 0),
        )
