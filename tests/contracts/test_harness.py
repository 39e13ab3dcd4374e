"""What every harness must show, whatever it is: launchable as told, and a stream that survives anything."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mogplex.domain.ending import claim_fault
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model import ModelEndpoint
from mogplex.domain.ports import Harness, Task
from mogplex.harnesses import HARNESSES

TASK = Task(run_id="run_1", attempt=1, prompt="true", directory="/work", timeout_seconds=60)
OUR_END = {"type": "end", "success": True, "summary": "done", "result": {"noChanges": True}}
OUR_FAILURE = {**OUR_END, "success": False}
CLAUDE_END = {"type": "result", "is_error": False, "terminal_reason": "completed", "result": "done"}
# The last record of each harness: when it succeeded, when it failed.
ENDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "claude-code": (CLAUDE_END, {**CLAUDE_END, "is_error": True}),
    "codex": ({"type": "turn.completed", "usage": {}}, {"type": "turn.failed", "error": {"message": "no"}}),
}


@pytest.fixture(scope="module", params=sorted(HARNESSES))
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    shared = Path(tempfile.mkdtemp(prefix="mogplex-tools-"))
    try:
        yield HARNESSES[request.param](shared)
    finally:
        shutil.rmtree(shared)


@pytest.fixture
def task(harness: Harness) -> Task:
    """With a model for those that need one; skipped, and told, where its program is missing."""
    probe = harness.probe()
    if not probe.ok:
        pytest.skip(f"{harness.name}: {probe.detail}; {probe.remedy}")
    endpoints = [ModelEndpoint("http://127.0.0.1:8081", protocol, "m") for protocol in harness.protocols]
    return replace(TASK, endpoint=endpoints[0] if endpoints else None)


def feed(harness: Harness, *lines: bytes) -> list[EventDraft]:
    stream = harness.open_stream(TASK)
    return [draft for line in lines for draft in stream.feed(line)]


def test_it_goes_by_the_name_it_is_found_under(harness: Harness) -> None:
    assert HARNESSES[harness.name] is not None


def test_its_probe_tells_a_version_or_a_remedy(harness: Harness) -> None:
    probe = harness.probe()
    assert probe.detail
    assert probe.facts.get("version") if probe.ok else probe.remedy


def test_what_it_mounts_is_there_and_read_only(harness: Harness, task: Task) -> None:
    launch = harness.launch(task)
    assert launch.argv
    for mount in launch.mounts:
        assert mount.source.exists()
        assert not mount.writable
        assert mount.target.startswith("/")


def test_its_environment_holds_nothing_of_ours(harness: Harness, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOGPLEX_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "mog_secret")
    launch = harness.launch(task)
    assert "mog_secret" not in json.dumps([launch.argv, dict(launch.environment)])


def test_silence_is_no_claim(harness: Harness) -> None:
    claim = harness.open_stream(TASK).close()
    assert claim.success is None
    assert not claim.whole


def test_words_are_no_claim(harness: Harness) -> None:
    stream = harness.open_stream(TASK)
    list(stream.feed(b"Everything is fixed, all tests pass. success: true"))
    assert stream.close().success is None


def test_its_last_record_is_the_claim(harness: Harness) -> None:
    stream = harness.open_stream(TASK)
    good, _ = ENDS.get(harness.name, (OUR_END, OUR_FAILURE))
    assert not stream.ended
    list(stream.feed(json.dumps(good).encode()))
    assert stream.ended
    claim = stream.close()
    assert (claim.success, claim.whole) == (True, True)


def test_a_failure_is_whole_and_says_why(harness: Harness) -> None:
    stream = harness.open_stream(TASK)
    _, bad = ENDS.get(harness.name, (OUR_END, OUR_FAILURE))
    list(stream.feed(json.dumps(bad).encode()))
    claim = stream.close()
    assert (claim.success, claim.whole) == (False, True)
    assert claim_fault(claim, 0)


def test_two_last_records_are_no_success(harness: Harness) -> None:
    stream = harness.open_stream(TASK)
    for end in ENDS.get(harness.name, (OUR_END, OUR_FAILURE)):
        list(stream.feed(json.dumps(end).encode()))
    claim = stream.close()
    assert claim.success is not True or not claim.whole


@pytest.mark.parametrize(
    "line", [b"\xff\xfe\x00", b"{", b"null", b"[]", b"{}", b'{"type": 7}', b"[" * 50_000, b"x" * 1_200_000]
)
def test_a_line_that_is_no_record_is_a_log(harness: Harness, line: bytes) -> None:
    drafts = feed(harness, line)
    assert all(draft.type is EventType.LOG for draft in drafts)
    assert len(drafts) == 1


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=6))
def test_no_bytes_can_break_its_stream(harness: Harness, lines: list[bytes]) -> None:
    stream = harness.open_stream(TASK)
    for line in lines:
        for draft in stream.feed(line):
            assert draft.type in EventType
    assert stream.close().success is None
