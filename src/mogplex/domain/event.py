"""Events: one vocabulary for every harness, numbered without gaps, never changed once written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SCHEMA_VERSION = 1


class EventType(StrEnum):
    """Every event type there is. docs/events.md describes each payload; a test holds the two together."""

    QUEUED = "queued"
    ATTEMPT_STARTED = "attempt_started"
    ATTEMPT_LOST = "attempt_lost"
    SANDBOX_READY = "sandbox_ready"
    SETUP_STARTED = "setup_started"
    SETUP_FINISHED = "setup_finished"
    STREAM_STARTED = "stream_started"
    ASSISTANT_MESSAGE = "assistant_message"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    FILE_CHANGE = "file_change"
    MODEL_CALL = "model_call"
    MODEL_RETRY = "model_retry"
    BUDGET_WARNING = "budget_warning"
    CONTENDER_STARTED = "contender_started"
    CONTENDER_FINISHED = "contender_finished"
    CONTENDER_CHOSEN = "contender_chosen"
    CHANGES = "changes"
    CHECK_STARTED = "check_started"
    CHECK_FINISHED = "check_finished"
    DELIVERED = "delivered"
    CANCEL_REQUESTED = "cancel_requested"
    LOG = "log"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class EventDraft:
    """A fact that is not yet numbered. `raw` is the line of the harness that it was made from, when there is one."""

    type: EventType
    message: str | None = None
    tool_name: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered fact about a run. `created_at` is in seconds since 1970, UTC; `attempt` 0 means before any attempt.

    `raw` is None unless it was asked for, and for events that no line of a harness stands behind.
    """

    run_id: str
    seq: int
    type: EventType
    message: str | None
    tool_name: str | None
    payload: Mapping[str, Any]
    created_at: float
    attempt: int
    raw: str | None = None

    @property
    def id(self) -> str:
        """Unique across runs and stable: the run's id and the event's number in it."""
        return f"{self.run_id}.{self.seq}"
