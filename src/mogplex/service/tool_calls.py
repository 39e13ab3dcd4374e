"""A run's tool calls, put together from its events: each call with what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mogplex.domain.event import Event, EventType
from mogplex.store import events as event_table
from mogplex.store.database import Transaction

_READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ToolUse:
    """`result` is None while the tool works, and for good when the run ended before it did."""

    call: Event
    result: Event | None


@dataclass(frozen=True, slots=True)
class ToolPage:
    """In the order of the calls. `next_after`: where to go on, even when the page is empty."""

    uses: list[ToolUse]
    next_after: int
    has_more: bool


def read_tool_uses(tx: Transaction, run_id: str, after: int, limit: int) -> ToolPage:
    """Up to `limit` calls with a number above `after`."""
    calls = event_table.since(tx, run_id, after, limit + 1, types=(EventType.TOOL_CALL,))
    kept = calls[:limit]
    results = _find_results(tx, run_id, kept)
    uses = [ToolUse(call, results.get(_key(call))) for call in kept]
    return ToolPage(uses, kept[-1].seq if kept else after, len(calls) > limit)


def pair_tool_uses(events: Sequence[Event]) -> list[ToolUse]:
    """Of events that are at hand: each call with its result, if that is among them."""
    results = {_key(event): event for event in events if event.type is EventType.TOOL_RESULT}
    return [ToolUse(event, results.get(_key(event))) for event in events if event.type is EventType.TOOL_CALL]


def _find_results(tx: Transaction, run_id: str, calls: Sequence[Event]) -> dict[tuple[int, str], Event]:
    """Results may come late and in any order, so read on until each call has its own or the run has no more."""
    missing = {_key(call) for call in calls}
    found: dict[tuple[int, str], Event] = {}
    after = calls[0].seq if calls else 0
    while missing:
        results = event_table.since(tx, run_id, after, _READ_AT_ONCE, types=(EventType.TOOL_RESULT,))
        for result in results:
            if _key(result) in missing:
                missing.discard(_key(result))
                found[_key(result)] = result
        if len(results) < _READ_AT_ONCE:
            break
        after = results[-1].seq
    return found


def _key(event: Event) -> tuple[int, str]:
    """A harness may count its calls anew in each attempt."""
    return event.attempt, str(event.payload.get("callId"))
