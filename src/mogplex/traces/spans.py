"""From a run and its events to the spans of its trace. Pure; names and attributes follow the GenAI conventions.

Everything comes from what is stored, which is redacted already: a trace says nothing that the events don't.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mogplex.domain.event import Event, EventType
from mogplex.domain.run import Run, Status

Value = str | int | float | bool
MAX_ATTRIBUTE_CHARACTERS = 500


@dataclass(slots=True)
class Span:
    """Times are seconds since 1970, UTC. `error` is the type of the error, None without one."""

    name: str
    start: float
    end: float
    attributes: dict[str, Value] = field(default_factory=dict)
    error: str | None = None
    children: list[Span] = field(default_factory=list)


def trace_of(run: Run, events: Iterable[Event]) -> Span:
    """The run's span, with all others below it. The run must have ended."""
    whole = Span(f"invoke_agent {run.harness}", run.created_at, run.finished_at or run.updated_at, _run_attributes(run))
    if run.status is Status.FAILED:
        whole.error = str(run.outcome)
    attempt: Span | None = None
    open_tools: dict[str, Span] = {}
    for event in events:
        if event.type is EventType.ATTEMPT_STARTED:
            attempt = Span(f"attempt {event.attempt}", event.created_at, whole.end, {"mogplex.attempt": event.attempt})
            attempt.attributes |= _kept({"mogplex.worker": event.payload.get("worker")})
            whole.children.append(attempt)
        elif event.type is EventType.ATTEMPT_LOST and attempt is not None:
            attempt.end, attempt.error = event.created_at, "attempt_lost"
        else:
            below = (attempt or whole).children
            made = _MAKERS[event.type](event) if event.type in _MAKERS else None
            if made is not None:
                below.append(made)
            if event.type is EventType.TOOL_CALL:
                open_tools[str(event.payload.get("callId"))] = _open_tool(event, whole.end)
                below.append(open_tools[str(event.payload.get("callId"))])
            elif event.type is EventType.TOOL_RESULT:
                _close_tool(open_tools.pop(str(event.payload.get("callId")), None), event)
    return whole


def _run_attributes(run: Run) -> dict[str, Value]:
    return _kept(
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": run.harness,
            "gen_ai.conversation.id": run.id,
            "gen_ai.request.model": run.model,
            "gen_ai.usage.input_tokens": run.usage.input_tokens,
            "gen_ai.usage.output_tokens": run.usage.output_tokens,
            "mogplex.run.id": run.id,
            "mogplex.repo": run.repo_full_name,
            "mogplex.status": str(run.status),
            "mogplex.outcome": str(run.outcome),
            "mogplex.verdict": str(run.verdict),
            "mogplex.cost_usd": run.cost_usd if run.cost_known else None,
            "mogplex.queued_ms": run.timing.queued_ms,
        }
    )


def _model_call(event: Event) -> Span:
    told = event.payload
    usage: Mapping[str, Any] = told.get("usage") or {}
    status = told.get("status")
    failed = isinstance(status, int) and status >= 400
    return Span(
        f"chat {told.get('model') or 'unknown'}",
        event.created_at - _seconds(told.get("durationMs")),
        event.created_at,
        _kept(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": told.get("provider"),
                "gen_ai.request.model": told.get("model"),
                "gen_ai.usage.input_tokens": usage.get("inputTokens"),
                "gen_ai.usage.output_tokens": usage.get("outputTokens"),
                "http.response.status_code": status if isinstance(status, int) else None,
                "mogplex.cost_usd": told.get("costUsd"),
                "mogplex.ttft_ms": told.get("ttftMs"),
            }
        ),
        error=str(status) if failed else None,
    )


def _open_tool(event: Event, end: float) -> Span:
    name = event.tool_name or "tool"
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": event.payload.get("callId"),
    }
    return Span(f"execute_tool {name}", event.created_at, end, _kept(attributes), error="no_result")


def _close_tool(span: Span | None, event: Event) -> None:
    if span is not None:
        span.end = event.created_at
        span.error = "tool_error" if event.payload.get("ok") is False else None


def _check(event: Event) -> Span:
    told = event.payload
    verdict = str(told.get("verdict"))
    return Span(
        f"check {told.get('target') or ''}".strip(),
        event.created_at - _seconds(told.get("durationMs")),
        event.created_at,
        _kept({"mogplex.check.command": told.get("command"), "mogplex.check.verdict": verdict}),
        error=None if verdict == "verified" or told.get("target") == "base" else verdict,
    )


_MAKERS = {EventType.MODEL_CALL: _model_call, EventType.CHECK_FINISHED: _check}


def _seconds(milliseconds: object) -> float:
    return milliseconds / 1000 if isinstance(milliseconds, int | float) else 0.0


def _kept(attributes: Mapping[str, Any]) -> dict[str, Value]:
    """Without what is not known, and with long texts cut."""
    return {
        name: value[:MAX_ATTRIBUTE_CHARACTERS] if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }
