"""Limits that are held outside the harness: it need not agree, or even be alive, to be stopped by them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.house import SUCCESS, House, assert_truthful, say
from tests.acceptance.test_endings import EDIT, told


@pytest.fixture(scope="module")
def strict() -> Iterator[House]:
    house = House(MOGPLEX_START_SECONDS="3", MOGPLEX_STALL_SECONDS="4", MOGPLEX_LINGER_SECONDS="2")
    try:
        house.start()
        yield house
    finally:
        house.close()


@pytest.fixture(scope="module")
def repo_id(strict: House) -> str:
    return str(strict.add_repo("demo/limits")["id"])


WORD = say({"type": "message", "text": "I look around"})
STUCK = {
    "never begins": ("sleep 300", "printed nothing"),
    "works hard but never says a word": ("while :; do :; done", "printed nothing"),
    "falls silent": (f"{WORD}\n{EDIT}\nsleep 300", "No output"),
}


@pytest.mark.parametrize("kind", sorted(STUCK))
def test_a_stuck_harness_is_stalled(strict: House, repo_id: str, kind: str) -> None:
    script, words = STUCK[kind]
    run = strict.run_script(repo_id, script)
    strict.wait(run["runId"])
    ended = assert_truthful(strict, run["runId"])
    assert told(ended) == ("failed", "stalled", "not_run")
    assert words in str(ended["error"])
    assert strict.left_processes() == []
    if kind == "falls silent":
        assert b"max(low" in strict.client.get_patch(run["runId"]), "the work done is kept"


def test_work_without_words_is_no_stall(strict: House, repo_id: str) -> None:
    busy = "timeout 8 sh -c 'while :; do :; done'"
    run = strict.run_script(repo_id, f"{WORD}\n{busy}\n{EDIT}\n{SUCCESS}")
    strict.wait(run["runId"])
    assert told(assert_truthful(strict, run["runId"]))[:2] == ("success", "completed")


def test_who_stays_after_the_last_record_is_ended_without_blame(strict: House, repo_id: str) -> None:
    run = strict.run_script(repo_id, f"{EDIT}\n{SUCCESS}\nsleep 300")
    strict.wait(run["runId"])
    assert told(assert_truthful(strict, run["runId"]))[:2] == ("success", "completed")
    assert any("stayed after its last record" in str(event["message"]) for event in strict.events(run["runId"]))
    assert strict.left_processes() == []


def test_a_stop_is_the_cause_even_when_success_was_said_before(strict: House, repo_id: str) -> None:
    run = strict.run_script(repo_id, f"{EDIT}\n{SUCCESS}\nsleep 300", timeoutSeconds=1)
    strict.wait(run["runId"])
    assert told(assert_truthful(strict, run["runId"]))[:2] == ("failed", "timed_out")


def test_four_fifths_of_the_time_are_told(strict: House, repo_id: str) -> None:
    run = strict.run_script(repo_id, f"while :; do {WORD}; sleep 0.5; done", timeoutSeconds=4)
    strict.wait(run["runId"])
    assert told(assert_truthful(strict, run["runId"]))[:2] == ("failed", "timed_out")
    warnings = [each["payload"] for each in strict.events(run["runId"]) if each["type"] == "budget_warning"]
    assert [(each["limit"], each["of"]) for each in warnings] == [("timeoutSeconds", 4.0)]
