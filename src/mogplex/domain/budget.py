"""What a run may use. Every limit is optional; going over one ends the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one run; None means no limit of that kind. `usd` is an estimate: tokens times list price."""

    usd: float | None = None
    tokens: int | None = None
    model_calls: int | None = None
    tool_calls: int | None = None

    @staticmethod
    def of(values: Mapping[str, Any] | None) -> Budget:
        """From stored or wire names (camelCase or snake_case); unknown names are ignored here, refused at the doors."""
        values = values or {}
        return Budget(
            usd=values.get("usd"),
            tokens=values.get("tokens"),
            model_calls=values.get("modelCalls", values.get("model_calls")),
            tool_calls=values.get("toolCalls", values.get("tool_calls")),
        )

    def or_else(self, fallback: Budget) -> Budget:
        """This budget, with its gaps filled from `fallback`."""
        merged = {}
        for each in fields(self):
            own = getattr(self, each.name)
            merged[each.name] = own if own is not None else getattr(fallback, each.name)
        return Budget(**merged)

    def as_wire(self) -> dict[str, Any]:
        wire = {
            "usd": self.usd,
            "tokens": self.tokens,
            "modelCalls": self.model_calls,
            "toolCalls": self.tool_calls,
        }
        return {name: value for name, value in wire.items() if value is not None}
