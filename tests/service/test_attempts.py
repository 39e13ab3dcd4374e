"""The worker's side: nothing is written by who lost the run, and what is written holds no secret."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from mogplex.domain.check import CheckRecord, CheckTarget
from mogplex.domain.ending import failure_of
from mogplex.domain.errors import NotFound, ServiceUnavailable
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.repo import Repo
from mogplex.domain.run import Changes, Outcome, Run, Status, Timing, Verdict
from mogplex.domain.sandbox import SandboxFacts, SandboxStatus
from mogplex.domain.usage import Usage
from mogplex.domain.worker import Signal
from mogplex.store.database import Database
from tests.house import House, ending, said

CHECK = CheckRecord("pytest -q", CheckTarget.PATCH, Verdict.VERIFIED, 0, "3 passed", 120, 3, 0)


def test_one_of_many_workers_gets_a_run(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda number: house.attempts.claim(run.id, f"w{number}"), range(8)))
    (claimed,) = [claim for claim in claims if claim]
    assert (claimed.status, claimed.attempt, claimed.started_at is not None) == (Status.STREAMING, 1, True)
    record = house.sandboxes.get(house.admin, claimed.sandbox_record_id or "")
    assert (record.run_id, record.attempt, record.status) == (run.id, 1, SandboxStatus.RUNNING)
    assert house.attempts.claim("run_" + "0" * 24, "w1") is None


def test_a_claim_whose_answer_was_lost_is_told_on_the_next_call(
    house: House, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = house.start(repo).run
    real, lost = Database.write, []

    @contextmanager
    def write(self: Database, **options: Any) -> Any:
        with real(self, **options) as tx:
            yield tx
        if not lost:
            lost.append(True)
            raise ServiceUnavailable("the answer to the commit was lost")

    monkeypatch.setattr(Database, "write", write)
    with pytest.raises(ServiceUnavailable):
        house.attempts.claim(run.id, "w1")
    assert house.attempts.claim(run.id, "w2") is None
    claimed = house.claim(run, "w1")
    assert (claimed.attempt, claimed.worker_id) == (1, "w1")
    assert house.attempts.claim(run.id, "w1") is None  # it was told once; a second player is not wanted
    assert len(house.events.since(run.id, 0, 10)) == 2


def lose(house: House, run: Run) -> None:
    """The run's worker is taken for dead, and the run goes to another."""
    reaped = house.workers.reap(only_me="w2")
    assert [each.run.id for each in reaped] == [run.id]
    house.claim(run, "w2")


WRITES: dict[str, Callable[[House, Run], Any]] = {
    "record": lambda house, run: house.attempts.record(run, [said("x")]).result(10),
    "update": lambda house, run: house.attempts.update(run, base_commit="a" * 40),
    "facts": lambda house, run: house.attempts.update(run, sandbox=SandboxFacts(driver="evil")),
    "patch": lambda house, run: house.attempts.save_patch(run, b"diff"),
    "check": lambda house, run: house.attempts.save_check(run, CHECK),
    "baseline": lambda house, run: house.attempts.save_baseline(run, "a" * 40, CHECK),
    "owns": lambda house, run: house.attempts.owns(run),
    "finish": lambda house, run: house.attempts.finish(run, ending()),
}


@pytest.mark.parametrize("name", WRITES)
def test_every_write_needs_the_run(house: House, repo: Repo, name: str) -> None:
    run = house.claim(house.start(repo).run)
    write = WRITES[name]
    if name != "finish":
        assert write(house, run) is True
    lose(house, run)
    before = house.runs.get(house.admin, run.id), house.events.since(run.id, 0, 100)
    assert write(house, run) is False
    assert (house.runs.get(house.admin, run.id), house.events.since(run.id, 0, 100)) == before
    assert house.attempts.signals("w1", [run.id]) == {run.id: Signal.LOST}


@pytest.mark.parametrize("name", WRITES)
def test_an_earlier_attempt_of_the_same_worker_writes_nothing(house: House, repo: Repo, name: str) -> None:
    old = house.claim(house.start(repo).run, "w1")
    house.workers.reap(only_me="other")
    assert house.claim(old, "w1").attempt == 2
    before = house.runs.get(house.admin, old.id), house.events.since(old.id, 0, 100)
    assert WRITES[name](house, old) is False
    assert (house.runs.get(house.admin, old.id), house.events.since(old.id, 0, 100)) == before


@pytest.mark.parametrize("name", WRITES)
def test_nothing_is_written_after_the_end(house: House, repo: Repo, name: str) -> None:
    run = house.claim(house.start(repo).run)
    assert house.attempts.finish(run, ending())
    before = house.runs.get(house.admin, run.id), house.events.since(run.id, 0, 100)
    assert WRITES[name](house, run) is False
    assert (house.runs.get(house.admin, run.id), house.events.since(run.id, 0, 100)) == before


def test_finished_comes_after_all_that_was_recorded_before_it(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    for number in range(300):
        house.attempts.record(run, [said(str(number))])
    assert house.attempts.finish(run, ending())
    events = house.events.since(run.id, 0, 1000)
    assert [event.seq for event in events] == list(range(1, 304))
    assert events[-1].type is EventType.FINISHED


def test_racing_ends_make_one_finished_event(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    outcomes = [Outcome.COMPLETED, Outcome.TIMED_OUT, Outcome.CANCELLED_BY_CALLER, Outcome.CHECKS_FAILED]
    gate = threading.Barrier(4)

    def finish(outcome: Outcome) -> bool:
        gate.wait(10)
        return house.attempts.finish(run, ending(outcome))

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(finish, outcomes))
    assert results.count(True) == 1
    ended = house.runs.get(house.admin, run.id)
    assert ended.outcome is outcomes[results.index(True)]
    assert [e.type for e in house.events.since(run.id, 0, 10)].count(EventType.FINISHED) == 1


def test_an_ending_is_kept_whole(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    given = ending(
        Outcome.CHECKS_FAILED,
        Verdict.FAILED,
        error="2 failed",
        failure=failure_of(Outcome.CHECKS_FAILED),
        baseline=Verdict.VERIFIED,
        tests_touched=("tests/test_a.py",),
        usage=Usage(tool_calls=7, tool_errors=8),
        changes=Changes(1, 2, 3, "c" * 40, ("a.py",)),
        pull_request_url="https://git.example/pr/1",
        result={"answer": [1, {"deep": "x" * 20_000}]},
        timing=Timing(preparing_ms=5),
        summary="tried",
    )
    assert house.attempts.finish(run, given)
    ended = house.runs.get(house.admin, run.id)
    same = "outcome verdict baseline error failure tests_touched usage changes pull_request_url result"
    for name in same.split():
        assert getattr(ended, name) == getattr(given, name), name
    assert (ended.status, ended.timing.preparing_ms) == (Status.FAILED, 5)
    assert ended.timing.queued_ms is not None
    assert ended.finished_at is not None
    payload = house.events.since(run.id, 2, 1)[0].payload
    assert (payload["status"], payload["outcome"], payload["synthesized"]) == ("failed", "checks_failed", False)
    assert (payload["usage"]["toolCalls"], payload["changes"]["files"], payload["costUsd"]) == (7, 1, 0.0)


def test_nothing_that_is_kept_holds_a_known_secret(house: House) -> None:
    repo = house.add_repo(env={"REPO_TOKEN": "repo-s3cret"})
    run = house.claim(house.start(repo, env={"RUN_TOKEN": "run-s3cret"}).run)
    told = "run-s3cret and repo-s3cret"
    attempts = house.attempts
    attempts.record(run, [EventDraft(EventType.TOOL_CALL, told, told, {"a": [told], "b": {"c": told}})]).result(10)
    attempts.save_check(run, CheckRecord(f"echo {told}", CheckTarget.BASE, Verdict.FAILED, 1, told, detail=told))
    attempts.save_baseline(run, "c" * 40, CheckRecord("echo", CheckTarget.BASE, Verdict.FAILED, 1, told))
    attempts.update(run, sandbox=SandboxFacts(log=told), conversation_id=told)
    attempts.finish(
        run,
        ending(
            Outcome.HARNESS_FAILED, error=told, summary=told, result={"x": [told]}, pull_request_url=told,
            tests_touched=(told,), changes=Changes(1, 1, 1, "c", (told,)),
        ),
        SandboxFacts(log=told),
    )  # fmt: skip
    ended = house.runs.get(house.admin, run.id)
    log = house.sandboxes.log(house.admin, ended.sandbox_record_id or "")
    kept = [
        house.events.since(run.id, 0, 100),
        house.runs.checks(house.admin, run.id),
        attempts.cached_baseline(repo.id, "c" * 40, "echo"),
        (ended.error, ended.result, ended.pull_request_url, ended.tests_touched, ended.changes, ended.conversation_id),
        log.text,
    ]
    assert "s3cret" not in repr(kept)
    assert repr(kept).count("[redacted] and [redacted]") >= 12


def test_secrets_are_known_to_a_process_that_did_not_claim_the_run(house: House) -> None:
    repo = house.add_repo(env={"T": "repo-s3cret"})
    run = house.claim(house.start(repo).run)
    fresh = type(house.attempts)(house.database, house.hub, house.attempts._known_secrets)
    assert fresh.record(run, [said("the repo-s3cret")]).result(10)
    fresh.close()
    assert house.events.since(run.id, 2, 1)[0].message == "the [redacted]"


def test_patches_and_checks_can_be_fetched(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    with pytest.raises(NotFound, match="still streaming"):
        house.runs.patch(house.admin, run.id)
    house.attempts.save_patch(run, b"first")
    diff = b"diff --git a/x b/x\n\x00\xff"
    house.attempts.save_patch(run, diff)
    base = CheckRecord("pytest -q", CheckTarget.BASE, Verdict.FAILED, 1)
    house.attempts.save_check(run, base)
    house.attempts.save_check(run, CHECK)
    house.attempts.finish(run, ending(Outcome.NO_CHANGES))
    assert house.runs.patch(house.admin, run.id) == diff
    checks = house.runs.checks(house.admin, run.id)
    assert [(check.target, check.verdict, check.attempt) for check in checks] == [
        (CheckTarget.BASE, Verdict.FAILED, 1),
        (CheckTarget.PATCH, Verdict.VERIFIED, 1),
    ]
    assert (checks[1].output, checks[1].tests_passed, checks[1].duration_ms) == ("3 passed", 3, 120)
    empty = house.claim(house.start(repo, "2").run)
    house.attempts.finish(empty, ending(Outcome.NO_CHANGES))
    with pytest.raises(NotFound, match="no_changes"):
        house.runs.patch(house.admin, empty.id)


def test_baselines_are_kept_by_repo_commit_and_command(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    commit = "a" * 40
    assert house.attempts.cached_baseline(repo.id, commit, CHECK.command) is None
    for verdict in (Verdict.FAILED, Verdict.VERIFIED):
        house.attempts.save_baseline(run, commit, CheckRecord(CHECK.command, CheckTarget.BASE, verdict))
    found = house.attempts.cached_baseline(repo.id, commit, CHECK.command)
    assert found is not None
    assert (found.verdict, found.cached) == (Verdict.VERIFIED, True)
    assert house.attempts.cached_baseline(repo.id, "b" * 40, CHECK.command) is None
    assert house.attempts.cached_baseline(repo.id, commit, "other") is None


def test_only_known_columns_can_be_noted(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    assert house.attempts.update(run, base_commit="b" * 40, usage=Usage(5), cost_usd=0.5, timing=Timing(queued_ms=1))
    noted = house.runs.get(house.admin, run.id)
    assert (noted.base_commit, noted.usage.input_tokens, noted.cost_usd) == ("b" * 40, 5, 0.5)
    for name in ("status", "attempt", "worker_id", "last_seq", "nothing"):
        with pytest.raises(TypeError, match=name):
            house.attempts.update(run, **{name: 1})


def test_signals_are_only_for_those_with_news(house: House, repo: Repo) -> None:
    runs = [house.claim(house.start(repo, str(number)).run) for number in range(4)]
    house.runs.cancel(house.admin, runs[1].id)
    house.sandboxes.stop(house.admin, runs[2].sandbox_record_id or "")
    house.attempts.finish(runs[3], ending())
    assert house.attempts.signals("w1", [*(run.id for run in runs), "run_x"]) == {
        runs[1].id: Signal.CANCEL_REQUESTED,
        runs[2].id: Signal.SANDBOX_STOP_REQUESTED,
        runs[3].id: Signal.LOST,
        "run_x": Signal.LOST,
    }
    assert house.attempts.signals("w1", []) == {}


def test_an_end_waits_for_events_that_cannot_be_written_and_says_so(
    house: House, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = house.claim(house.start(repo).run)
    never: Future[bool] = Future()
    monkeypatch.setattr(house.attempts._writer, "_last_of_run", {run.id: never})
    with pytest.raises(ServiceUnavailable, match="kept"):
        house.attempts.finish(run, ending(), timeout_seconds=0.05)
    assert house.runs.get(house.admin, run.id).status is Status.STREAMING
    never.set_result(True)
    assert house.attempts.finish(run, ending())
