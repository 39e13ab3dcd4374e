"""The streams of the real programs: every capture gives the right claim and events, and none survives a cut."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from mogplex.domain.ending import claim_fault
from mogplex.domain.event import EventDraft, EventType
from tests.harnesses.captured import CUT, ERRORS, INDEX, NAMES, SUCCESSES, lines_of, open_stream, play

CALL, RESULT, CHANGE = EventType.TOOL_CALL, EventType.TOOL_RESULT, EventType.FILE_CHANGE


def of(drafts: list[EventDraft], kind: EventType) -> list[EventDraft]:
    return [draft for draft in drafts if draft.type is kind]


def test_the_table_speaks_of_every_capture() -> None:
    assert sorted([*SUCCESSES, *CUT, *ERRORS]) == NAMES
    assert len(NAMES) == 58


@pytest.mark.parametrize("name", NAMES)
def test_its_claim(name: str) -> None:
    _, claim = play(name)
    code = INDEX[f"{name}.jsonl"]["exit_code"]
    assert claim.session
    if name in SUCCESSES:
        assert (claim.success, claim.whole, claim.error) == (True, True, None)
        assert claim.summary
        assert claim_fault(claim, code) is None
    elif name in CUT:
        assert (claim.success, claim.whole) == (None, False)
    else:
        assert (claim.success, claim.whole) == (False, True)
        assert ERRORS[name] in (claim.error or "")
    if name not in SUCCESSES:
        assert claim_fault(claim, 0), "whatever the exit code: claude leaves with 0 when it is interrupted"


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_at_any_line_is_never_a_success(name: str) -> None:
    lines = lines_of(name)
    for kept in range(len(lines)):
        half = lines[kept][: len(lines[kept]) // 2]
        for cut in (lines[:kept], (*lines[:kept], half)):
            _, claim = play(name, cut)
            assert claim.success is not True
            assert claim_fault(claim, 0)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_understood_and_every_result_has_its_call(name: str) -> None:
    drafts, _ = play(name)
    unknown = [draft for draft in of(drafts, EventType.LOG) if draft.payload["stream"] == "stdout"]
    assert not unknown
    called: Counter[str] = Counter()
    for draft in drafts:
        if draft.type is CALL:
            assert draft.tool_name and draft.payload["callId"]
            called[draft.payload["callId"]] += 1
        elif draft.type is RESULT:
            called[draft.payload["callId"]] -= 1
            assert draft.tool_name and draft.payload["durationMs"] > 0
        json.dumps(dict(draft.payload))
    open_calls = sum(called.values())
    assert set(called.values()) <= {0, 1}
    assert open_calls == 0 or name not in SUCCESSES


@pytest.mark.parametrize("name", NAMES)
def test_each_event_bears_the_line_it_was_made_from(name: str) -> None:
    stream = open_stream(name)
    for line in lines_of(name):
        drafts = list(stream.feed(line))
        assert [draft.raw for draft in drafts] == [line.decode(), *[None] * (len(drafts) - 1)][: len(drafts)]


def test_codex_reads_patches_and_tests() -> None:
    drafts, claim = play("codex-success")
    assert [(draft.type, draft.tool_name) for draft in drafts if draft.type is not EventType.LOG] == [
        (EventType.REASONING, None),
        (EventType.ASSISTANT_MESSAGE, None),
        (CALL, "shell"),
        (RESULT, "shell"),
        (CALL, "apply_patch"),
        (RESULT, "apply_patch"),
        (CHANGE, None),
        (CALL, "shell"),
        (RESULT, "shell"),
        (EventType.ASSISTANT_MESSAGE, None),
    ]
    assert of(drafts, CALL)[0].payload["arguments"] == {"command": "/bin/bash -c 'cat calc.py test_calc.py'"}
    assert of(drafts, RESULT)[2].message == "1 passed in 0.02s"
    assert of(drafts, RESULT)[2].payload["exitCode"] == 0
    assert of(drafts, CHANGE)[0].payload == {"path": "/run/repo/calc.py", "kind": "modified"}
    assert claim.summary.startswith("The bug in `calc.add` is fixed")


def test_claude_reads_edits_and_tests() -> None:
    drafts, claim = play("claude-success")
    assert [(draft.type, draft.tool_name) for draft in drafts if draft.type is not EventType.LOG] == [
        (EventType.REASONING, None),
        (EventType.ASSISTANT_MESSAGE, None),
        (CALL, "Read"),
        (RESULT, "Read"),
        (CALL, "Edit"),
        (RESULT, "Edit"),
        (CHANGE, None),
        (CALL, "Bash"),
        (RESULT, "Bash"),
        (EventType.ASSISTANT_MESSAGE, None),
    ]
    assert of(drafts, CHANGE)[0].payload == {"path": "/run/repo/calc.py", "kind": "modified"}
    assert of(drafts, RESULT)[2].payload["summary"].endswith("1 passed in 0.02s")
    assert claim.summary.startswith("The bug in `calc.add` is fixed")


@pytest.mark.parametrize("name", ["codex-cmd-fails", "claude-cmd-fails"])
def test_a_failed_command_is_a_failed_result(name: str) -> None:
    (result,) = of(play(name)[0], RESULT)
    assert result.payload["ok"] is False
    assert result.payload["exitCode"] == 3
    assert result.message == "oops"


@pytest.mark.parametrize(("name", "retries"), [("codex-fail-failed", 2), ("codex-fail-refused", 2),
                                               ("claude-fail-401", 2), ("claude-retry-500-then-ok", 1)])  # fmt: skip
def test_retries_are_told_as_retries(name: str, retries: int) -> None:
    told = of(play(name)[0], EventType.MODEL_RETRY)
    assert [draft.payload["attempt"] for draft in told] == list(range(1, retries + 1))
    assert all(draft.payload["by"] == "harness" and draft.payload["of"] == 2 for draft in told)


@pytest.mark.parametrize("name", ["codex-schema", "claude-schema"])
def test_a_structured_result_is_taken(name: str) -> None:
    assert play(name)[1].result == {"summary": "fixed add", "files": ["calc.py"]}


def test_a_warning_of_codex_is_no_failure() -> None:
    drafts, claim = play("codex-unknown-model")
    (warning,) = [draft for draft in of(drafts, EventType.LOG) if draft.payload.get("level") == "warning"]
    assert "Model metadata" in (warning.message or "")
    assert claim.success is True
