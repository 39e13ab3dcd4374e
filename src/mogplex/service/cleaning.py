"""What a worker reports, with every text from outside made safe to keep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mogplex.domain.check import CheckRecord
from mogplex.domain.event import EventDraft
from mogplex.domain.model_call import ModelCall
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.sanitiser import Sanitiser

LONG_TEXT_BYTES = 2 * 1024 * 1024 + 1024  # of check output and sandbox logs: more than a worker keeps of them
RAW_BYTES = 16 * 1024  # of a harness's line behind an event


def clean_draft(draft: EventDraft, sanitiser: Sanitiser) -> EventDraft:
    return EventDraft(
        draft.type,
        None if draft.message is None else sanitiser.text(draft.message),
        None if draft.tool_name is None else sanitiser.text(draft.tool_name, 200),
        sanitiser.payload(dict(draft.payload)),
        None if draft.raw is None else sanitiser.text(draft.raw, RAW_BYTES),
    )


def clean_call(call: ModelCall, sanitiser: Sanitiser) -> ModelCall:
    """The names came from the harness and the provider."""
    return replace(
        call,
        provider=sanitiser.text(call.provider, 200),
        model=sanitiser.text(call.model, 500),
        detail=sanitiser.text(call.detail, 2000),
        request_id=None if call.request_id is None else sanitiser.text(call.request_id, 200),
    )


def clean_value(value: Any, sanitiser: Sanitiser) -> Any:
    if isinstance(value, str):
        return sanitiser.text(value)
    if isinstance(value, tuple):
        return tuple(clean_value(each, sanitiser) for each in value)
    return value


def clean_facts(facts: SandboxFacts, sanitiser: Sanitiser) -> SandboxFacts:
    return replace(facts, log=sanitiser.text(facts.log, LONG_TEXT_BYTES))


def clean_check(check: CheckRecord, sanitiser: Sanitiser) -> CheckRecord:
    return replace(
        check,
        command=sanitiser.text(check.command),
        output=sanitiser.text(check.output, LONG_TEXT_BYTES),
        detail=sanitiser.text(check.detail),
        failures=None if check.failures is None else tuple(sanitiser.text(name) for name in check.failures),
    )
