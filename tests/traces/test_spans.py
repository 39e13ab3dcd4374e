"""From events to spans: the right tree, times, names and errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mogplex.domain.event import Event, EventType
from mogplex.domain.run import Outcome, Run, Status, Verdict
from mogplex.domain.traceparent import parse_traceparent, span_id_of, trace_id_of, traceparent_within
from mogplex.domain.usage import Usage
from mogplex.traces.spans import trace_of

RUN = Run(
    id="run_" + "a" * 24, repo_id="repo_1", repo_full_name="acme/web", status=Status.FAILED, harness="codex",
    prompt="secret prompt", base_branch="main", working_branch="w", create_branch=True, created_at=100.0,
    updated_at=200.0, key_owner="o", api_key_id="k", idempotency_key="i", request_hash="h", timeout_seconds=1.0,
    outcome=Outcome.CHECKS_FAILED, verdict=Verdict.FAILED, finished_at=190.0, model="gpt", cost_usd=0.5,
    usage=Usage(input_tokens=7, output_tokens=3),
)  # fmt: skip


def event(kind: EventType, at: float, payload: Mapping[str, Any] | None = None, tool: str | None = None) -> Event:
    return Event(RUN.id, 1, kind, None, tool, payload or {}, at, 1)


EVENTS = [
    event(EventType.QUEUED, 100),
    event(EventType.ATTEMPT_STARTED, 101, {"worker": "w1"}),
    event(EventType.ATTEMPT_LOST, 110),
    event(EventType.ATTEMPT_STARTED, 120, {"worker": "w2"}),
    event(EventType.MODEL_CALL, 130, {"model": "gpt", "durationMs": 4000, "status": 200, "usage": {"inputTokens": 7}}),
    event(EventType.TOOL_CALL, 131, {"callId": "1"}, "shell"),
    event(EventType.TOOL_CALL, 132, {"callId": "2"}, "edit"),
    event(EventType.TOOL_RESULT, 133, {"callId": "1", "ok": False}, "shell"),
    event(EventType.MODEL_CALL, 140, {"model": "gpt", "durationMs": 1000, "status": 529}),
    event(EventType.CHECK_FINISHED, 180, {"target": "patch", "command": "t", "verdict": "failed", "durationMs": 5000}),
    event(EventType.FINISHED, 190),
]


def test_the_tree_of_a_run() -> None:
    whole = trace_of(RUN, EVENTS)
    assert (whole.name, whole.start, whole.end, whole.error) == ("invoke_agent codex", 100, 190, "checks_failed")
    assert whole.attributes["gen_ai.usage.input_tokens"] == 7
    assert "secret prompt" not in str(whole.attributes)
    first, second = whole.children
    assert (first.start, first.end, first.error, first.children) == (101, 110, "attempt_lost", [])
    told = [(span.name, span.start, span.end, span.error) for span in second.children]
    assert told == [
        ("chat gpt", 126, 130, None),
        ("execute_tool shell", 131, 133, "tool_error"),
        ("execute_tool edit", 132, 190, "no_result"),
        ("chat gpt", 139, 140, "529"),
        ("check patch", 175, 180, "failed"),
    ]


def test_a_run_that_never_started_is_one_span() -> None:
    whole = trace_of(replace(RUN, status=Status.CANCELLED), EVENTS[:1])
    assert (whole.error, whole.children) == (None, [])


def test_traceparents() -> None:
    given = f"00-{'1' * 32}-{'2' * 16}-01"
    assert parse_traceparent(given) == (int("1" * 32, 16), int("2" * 16, 16))
    nobody, newer = f"00-{'0' * 32}-{'2' * 16}-01", f"ff-{'1' * 32}-{'2' * 16}-01"
    for broken in (None, "", "00", given + "-x", nobody, newer, given.replace("1", "G")):
        assert parse_traceparent(broken) is None
    assert traceparent_within(RUN.id, given) == f"00-{'1' * 32}-{span_id_of(RUN.id):016x}-01"
    assert traceparent_within(RUN.id, "rubbish") == f"00-{trace_id_of(RUN.id):032x}-{span_id_of(RUN.id):016x}-01"
