"""One call of a harness to a language model, as the gateway saw it: what was used, what it cost, how it ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model import ModelProtocol
from mogplex.domain.usage import Usage
from mogplex.domain.view import format_time


class CallFault(StrEnum):
    """How a call went wrong. None of these: the answer came whole."""

    REFUSED = "refused"  # the provider answered with an error status
    UNREACHABLE = "unreachable"  # there was no connection
    RESET = "reset"  # the connection was lost before the answer began
    SILENT = "silent"  # the answer did not begin in time
    STALLED = "stalled"  # the answer stopped in the middle, and the connection stayed
    CUT = "cut"  # the connection was lost in the middle of the answer
    ENDED_EARLY = "ended_early"  # the answer ended in good order, but before its own last record
    FAILED = "failed"  # the provider said within the answer that it failed
    ABANDONED = "abandoned"  # the harness did not wait for the end


CALL_FAULT_MEANING = {
    CallFault.REFUSED: "the provider answered with an error status",
    CallFault.UNREACHABLE: "the provider could not be reached",
    CallFault.RESET: "the connection was lost before the answer began",
    CallFault.SILENT: "the answer did not begin in time",
    CallFault.STALLED: "the answer stopped in the middle",
    CallFault.CUT: "the connection was lost in the middle of the answer",
    CallFault.ENDED_EARLY: "the answer ended before its own last record",
    CallFault.FAILED: "the provider said within its answer that it failed",
    CallFault.ABANDONED: "the harness did not wait for the end of the answer",
}


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request of a harness. Several tries at the provider are one call with `retries`.

    `usage.model_calls` is 1. `estimated`: the provider never said what was used, so the tokens are ours: from the sizes
    of what went to and fro. `cost_usd` is None when the model's price is not known; 0 when nothing was used.
    """

    provider: str
    model: str
    protocol: ModelProtocol
    usage: Usage
    cost_usd: float | None
    duration_ms: int
    ttft_ms: int | None = None  # to the first byte of the answer's body
    http_status: int | None = None  # as the provider gave it; None when it gave none
    fault: CallFault | None = None
    detail: str = ""  # what the provider said about the fault
    retries: int = 0
    request_id: str | None = None  # the provider's name of the request
    estimated: bool = False
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as it was written down, under the number of its `model_call` event."""

    run_id: str
    seq: int
    attempt: int
    created_at: float  # seconds since 1970, UTC, when it ended
    call: ModelCall

    @property
    def id(self) -> str:
        """The same as its event's."""
        return f"{self.run_id}.{self.seq}"


@dataclass(frozen=True, slots=True)
class CallTotals:
    """The sums over calls. `cost_usd` counts the calls whose price is known; `unpriced` are the others."""

    usage: Usage = Usage()
    cost_usd: float = 0.0
    unpriced: int = 0

    @property
    def cost_known(self) -> bool:
        return self.unpriced == 0

    @property
    def tokens(self) -> int:
        """All of them; reasoning tokens are part of the output and not counted twice."""
        used = self.usage
        return used.input_tokens + used.output_tokens + used.cache_read_tokens + used.cache_write_tokens

    @property
    def told_cost_usd(self) -> float | None:
        """What to tell about money: None rather than a sum of nothing when only unpriced calls were made."""
        return self.cost_usd if self.cost_known or self.cost_usd else None

    def plus(self, call: ModelCall) -> CallTotals:
        cost, unpriced = (0.0, 1) if call.cost_usd is None else (call.cost_usd, 0)
        return CallTotals(self.usage + call.usage, self.cost_usd + cost, self.unpriced + unpriced)

    def with_tools(self, usage: Usage) -> Usage:
        """The usage of a run: tokens and calls from here, tool counts from `usage`."""
        return replace(self.usage, tool_calls=usage.tool_calls, tool_errors=usage.tool_errors)


def call_draft(call: ModelCall) -> EventDraft:
    """The `model_call` event."""
    tokens = call.usage.input_tokens + call.usage.cache_read_tokens + call.usage.cache_write_tokens
    about = "estimated " if call.estimated else ""
    message = f"{call.model}: {about}{tokens:,} tokens in, {call.usage.output_tokens:,} out"
    if call.fault is not None:
        message = f"{call.model}: {CALL_FAULT_MEANING[call.fault]}" + (f" ({call.http_status})" if call.detail else "")
    return EventDraft(EventType.MODEL_CALL, message, payload=_facts(call))


def call_object(stored: StoredCall) -> dict[str, Any]:
    """A call as callers see it."""
    return {
        "id": stored.id,
        "runId": stored.run_id,
        "seq": stored.seq,
        "attempt": stored.attempt,
        **_facts(stored.call),
        "createdAt": format_time(stored.created_at),
    }


def _facts(call: ModelCall) -> dict[str, Any]:
    used = call.usage
    return {
        "model": call.model,
        "provider": call.provider,
        "protocol": call.protocol,
        "usage": {
            "inputTokens": used.input_tokens,
            "outputTokens": used.output_tokens,
            "cacheReadTokens": used.cache_read_tokens,
            "cacheWriteTokens": used.cache_write_tokens,
            "reasoningTokens": used.reasoning_tokens,
        },
        "estimated": call.estimated,
        "costUsd": call.cost_usd,
        "durationMs": call.duration_ms,
        "ttftMs": call.ttft_ms,
        "status": call.http_status,
        "fault": call.fault,
        "detail": call.detail,
        "retries": call.retries,
        "requestId": call.request_id,
        "streamed": call.streamed,
    }
