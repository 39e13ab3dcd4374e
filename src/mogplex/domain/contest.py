"""Best of several: one run whose work is done by contenders, each a run of its own, and the best one's is taken.

A run with a contest has no harness of its own at work. A contender is an ordinary run (own sandbox, events, budget,
checks, attempts) that delivers nothing; whatever becomes of it, it stays to be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mogplex.domain.budget import Budget

MOST_CONTENDERS = 8


class ContestMode(StrEnum):
    IN_ORDER = "in-order"  # the next one begins only when none before it was verified
    SIDE_BY_SIDE = "side-by-side"  # all at once, as slots allow


@dataclass(frozen=True, slots=True)
class Contest:
    """`harnesses` has one entry a contender, in order. `contenders` are the runs made so far, `told` how many of their
    ends were told as events, `winner` the one whose work is taken."""

    mode: ContestMode
    harnesses: tuple[str, ...]
    contenders: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    winner: str | None = None

    def afresh(self) -> Contest:
        return Contest(self.mode, self.harnesses)

    def with_contender(self, run_id: str) -> Contest:
        return replace(self, contenders=(*self.contenders, run_id))

    def as_wire(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "harnesses": list(self.harnesses),
            "contenders": list(self.contenders),
            "told": list(self.told),
            "winner": self.winner,
        }

    @staticmethod
    def of(wire: Mapping[str, Any] | None) -> Contest | None:
        if not wire:
            return None
        return Contest(
            ContestMode(wire["mode"]),
            tuple(wire["harnesses"]),
            tuple(wire["contenders"]),
            tuple(wire["told"]),
            wire["winner"],
        )


def share_of(budget: Budget, contenders: int) -> Budget:
    """What one contender may use, so that all together keep to the budget of the whole."""
    return Budget(
        usd=None if budget.usd is None else budget.usd / contenders,
        tokens=_share(budget.tokens, contenders),
        model_calls=_share(budget.model_calls, contenders),
        tool_calls=_share(budget.tool_calls, contenders),
    )


def _share(limit: int | None, contenders: int) -> int | None:
    if not limit:
        return limit
    return max(limit // contenders, 1)
