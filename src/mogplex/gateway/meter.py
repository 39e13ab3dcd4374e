"""What a run has spent and may still spend: asked before each call, told after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mogplex.domain.budget import Budget
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model_call import CallTotals, ModelCall

WARNING_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class KeyLimit:
    """What the key of a run may spend in 24 hours, and how to learn what its other runs have spent by now."""

    usd: float
    ask_others: Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a call may use, before anybody knows: tokens of all classes, and US dollars."""

    tokens: int
    usd: float


class Meter:
    """`totals` are those of earlier attempts. Calls under way are counted at once, their tokens when they are known.

    Until then what they may use is kept free for them: a call that does not fit beside them waits.
    """

    def __init__(self, budget: Budget, totals: CallTotals, key_limit: KeyLimit | None = None) -> None:
        self.totals = totals
        self._budget = budget
        self._key_limit = key_limit
        self._spent_elsewhere_usd = 0.0
        self._under_way: dict[object, tuple[Claim, Callable[[], ModelCall | None]]] = {}
        self._queue = asyncio.Lock()
        self._ended = asyncio.Event()
        self._warned: set[str] = set()

    @property
    def counts_dollars(self) -> bool:
        """Whether any limit is one in dollars, so that prices must be known."""
        return self._budget.usd is not None or self._key_limit is not None

    async def admit(self, call: object, claim: Claim, read: Callable[[], ModelCall | None]) -> str | None:
        """Begin `call` (see `begin`) as soon as it fits beside those under way; else why it may not be made.

        A call that is alone always fits, whatever it claims: so one may go over a limit, and none can follow it.
        """
        async with self._queue:  # first come, first served
            while True:
                await self._refresh()
                refusal = self.refusal()
                if refusal is not None:
                    return refusal
                if self._fits(claim):
                    self.begin(call, read, claim)
                    return None
                self._ended.clear()
                await self._ended.wait()

    async def _refresh(self) -> None:
        """Learn what the key has spent elsewhere, if that matters."""
        if self._key_limit is not None:
            self._spent_elsewhere_usd = await self._key_limit.ask_others()

    def refusal(self) -> str | None:
        """Why the next call may not be made; None when it may. Waits for nothing, so that no two calls pass on one."""
        calls, tokens, cost_usd = self._now()
        limit = self._budget
        if limit.model_calls is not None and calls >= limit.model_calls:
            return f"The run has used its {limit.model_calls:,} model calls."
        if limit.tokens is not None and tokens >= limit.tokens:
            return f"The run has used {tokens:,} tokens of the {limit.tokens:,} it may use."
        if limit.usd is not None and cost_usd >= limit.usd:
            return f"The run has spent ${cost_usd:.4f} of the ${limit.usd:g} it may spend."
        if self._key_limit is not None:
            spent = self._spent_elsewhere_usd + cost_usd
            if spent >= self._key_limit.usd:
                return f"The API key has spent ${spent:.4f} in 24 hours and may spend ${self._key_limit.usd:g}."
        return None

    def begin(self, call: object, read: Callable[[], ModelCall | None], claim: Claim) -> None:
        """A call is under way. `read` tells what it has used once that is known, before it is over."""
        self._under_way[call] = claim, read

    def end(self, call: object, told: ModelCall | None) -> list[EventDraft]:
        """The call is over (None: it was none after all). Warnings that are due now, each only once."""
        del self._under_way[call]
        self._ended.set()
        if told is None:
            return []
        self.totals = self.totals.plus(told)
        return self._warnings()

    def _now(self) -> tuple[int, int, float]:
        totals = self.totals
        calls = totals.usage.model_calls + len(self._under_way)
        for _, read in self._under_way.values():
            told = read()
            if told is not None:
                totals = totals.plus(told)
        return calls, totals.tokens, totals.cost_usd

    def _fits(self, claim: Claim) -> bool:
        claims = [claimed for claimed, read in self._under_way.values() if read() is None]
        if not claims:
            return True
        _, tokens, cost_usd = self._now()
        tokens += claim.tokens + sum(each.tokens for each in claims)
        cost_usd += claim.usd + sum(each.usd for each in claims)
        limit, key_limit = self._budget, self._key_limit
        return (
            (limit.tokens is None or tokens <= limit.tokens)
            and (limit.usd is None or cost_usd <= limit.usd)
            and (key_limit is None or self._spent_elsewhere_usd + cost_usd <= key_limit.usd)
        )

    def _warnings(self) -> list[EventDraft]:
        totals, limit = self.totals, self._budget
        watched: tuple[tuple[str, float, float | None, str], ...] = (
            ("modelCalls", totals.usage.model_calls, limit.model_calls, "model calls"),
            ("tokens", totals.tokens, limit.tokens, "tokens"),
            ("usd", totals.cost_usd, limit.usd, "dollars"),
        )
        drafts = []
        for name, used, of, words in watched:
            if of is None or name in self._warned or used < WARNING_SHARE * of:
                continue
            self._warned.add(name)
            payload = {"limit": name, "used": used, "of": of}
            shown = f"${used:.4f} of ${of:g}" if name == "usd" else f"{used:,} of {of:,} {words}"
            drafts.append(EventDraft(EventType.BUDGET_WARNING, f"{shown} used", payload=payload))
        return drafts
