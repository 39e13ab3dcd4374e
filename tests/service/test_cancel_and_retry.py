"""Ending runs early and starting them over."""

from __future__ import annotations

import pytest

from mogplex.domain.errors import BadRequest, Conflict, Forbidden, IdempotencyConflict, NotFound
from mogplex.domain.event import EventType
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Run, Status
from mogplex.domain.worker import Signal, WorkerInfo
from tests.house import House, ending, said


def types(house: House, run: Run) -> list[str]:
    return [event.type for event in house.events.since(run.id, 0, 100)]


def test_a_pending_run_ends_at_once_and_leaves_the_queue(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    cancelled = house.runs.cancel(house.admin, run.id)
    assert (cancelled.already_terminal, cancelled.run.status) == (False, Status.CANCELLED)
    assert (cancelled.run.outcome, cancelled.run.cancel_requested_by) == (
        Outcome.CANCELLED_BY_CALLER,
        house.admin.key_id,
    )
    assert types(house, run) == [EventType.QUEUED, EventType.CANCEL_REQUESTED, EventType.FINISHED]
    assert house.seating.take(WorkerInfo("w1", "host", 1, 2)) is None
    assert house.attempts.claim(run.id, "w1") is None
    again = house.runs.cancel(house.admin, run.id)
    assert (again.already_terminal, again.run) == (True, cancelled.run)
    assert len(types(house, run)) == 3


def test_a_streaming_run_is_asked_once_and_ended_by_its_worker(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    assert house.attempts.signals("w1", [run.id]) == {}
    for _ in range(3):
        cancelled = house.runs.cancel(house.admin, run.id)
        assert (cancelled.already_terminal, cancelled.run.status) == (False, Status.STREAMING)
        assert cancelled.run.cancel_requested_at is not None
    assert house.attempts.signals("w1", [run.id]) == {run.id: Signal.CANCEL_REQUESTED}
    assert house.attempts.record(run, [said("last words")]).result(10)  # the worker may still tell what it does
    assert house.attempts.finish(run, ending(Outcome.CANCELLED_BY_CALLER))
    assert types(house, run).count(EventType.CANCEL_REQUESTED) == 1
    assert types(house, run)[-1] == EventType.FINISHED
    assert house.runs.cancel(house.admin, run.id).already_terminal


def test_ids_that_lead_nowhere_are_not_found(house: House) -> None:
    admin = house.admin
    for run_id in ("", "run_", "x", "run_" + "0" * 24, "run_\x00", "repo_" + "0" * 24, "🦖", "a" * 9999):
        for ask in (house.runs.get, house.runs.cancel, house.runs.patch, house.runs.checks):
            with pytest.raises(NotFound):
                ask(admin, run_id)
        with pytest.raises(NotFound):
            house.runs.retry(admin, run_id, {})
        with pytest.raises(NotFound):
            house.events.page(admin, run_id, 0, 10)


def test_a_key_bound_elsewhere_sees_nothing(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    bound = house.caller("write", repo_ids=[other.id])
    for ask in (house.runs.get, house.runs.cancel):
        with pytest.raises(NotFound):
            ask(bound, run.id)
    with pytest.raises(Forbidden):
        house.runs.cancel(house.caller("read"), run.id)
    assert house.runs.get(house.admin, run.id).status is Status.PENDING


def fail_run(house: House, repo: Repo, key: str = "k", outcome: Outcome = Outcome.HARNESS_FAILED) -> Run:
    run = house.claim(house.start(repo, key, createBranch=True, checks=["true"], env={"A": "b"}, priority=3).run)
    assert house.attempts.finish(run, ending(outcome, error="no"))
    return house.runs.get(house.admin, run.id)


def test_a_retry_is_a_new_run_of_the_same_work(house: House, repo: Repo) -> None:
    old = fail_run(house, repo)
    new = house.runs.retry(house.admin, old.id, {"timeoutSeconds": 9, "budget": {"usd": 1}}).run
    same = ("prompt", "working_branch", "base_branch", "create_branch", "checks", "environment", "priority", "harness")
    assert [getattr(new, name) for name in same] == [getattr(old, name) for name in same]
    assert (new.retry_of, new.status, new.timeout_seconds, new.budget.usd) == (old.id, Status.PENDING, 9.0, 1.0)
    after = house.runs.get(house.admin, old.id)
    assert (after.retried_by, after.status, after.last_seq) == (new.id, Status.FAILED, old.last_seq)
    assert house.seating.take(WorkerInfo("w1", "host", 1, 2)) == new.id
    assert types(house, new) == [EventType.QUEUED]


def test_retrying_twice_with_one_key_replays(house: House, repo: Repo) -> None:
    old = fail_run(house, repo)
    first = house.runs.retry(house.admin, old.id, {}, "again")
    second = house.runs.retry(house.admin, old.id, {}, "again")
    assert (first.replayed, second.replayed, second.run.id) == (False, True, first.run.id)
    with pytest.raises(IdempotencyConflict):
        house.runs.retry(house.admin, old.id, {"model": "other"}, "again")
    with pytest.raises(IdempotencyConflict):
        house.start(repo, "again")
    assert house.runs.retry(house.admin, old.id, {}).run.id != house.runs.retry(house.admin, old.id, {}).run.id


def test_only_failed_and_cancelled_runs_can_be_retried(house: House, repo: Repo) -> None:
    pending = house.start(repo, "p", delivery="patch").run
    with pytest.raises(Conflict, match="pending"):
        house.runs.retry(house.admin, pending.id, {})
    streaming = house.claim(pending)
    with pytest.raises(Conflict, match="streaming"):
        house.runs.retry(house.admin, pending.id, {})
    house.attempts.finish(streaming, ending())
    with pytest.raises(Conflict, match="success"):
        house.runs.retry(house.admin, pending.id, {})
    cancelled = house.start(repo, "c").run
    house.runs.cancel(house.admin, cancelled.id)
    assert house.runs.retry(house.admin, cancelled.id, {}).run.retry_of == cancelled.id


def test_a_retry_may_change_only_some_fields(house: House, repo: Repo) -> None:
    old = fail_run(house, repo)
    with pytest.raises(BadRequest, match="prompt can't be changed") as caught:
        house.runs.retry(house.admin, old.id, {"prompt": "other", "model": "m"})
    assert [detail.field for detail in caught.value.details] == ["prompt"]
    with pytest.raises(BadRequest, match="timeoutSeconds"):
        house.runs.retry(house.admin, old.id, {"timeoutSeconds": -1})
    with pytest.raises(BadRequest, match="not known"):
        house.runs.retry(house.admin, old.id, {"harness": "gpt"})


def test_a_retry_obeys_what_the_repo_allows_now(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo, workingBranch="topic").run)
    house.attempts.finish(run, ending(Outcome.CHECKS_FAILED))
    house.repos.update(house.admin, repo.id, {"pushBranches": ["mogplex/*"]})
    with pytest.raises(BadRequest, match="may not push"):
        house.runs.retry(house.admin, run.id, {})
    house.repos.remove(house.admin, repo.id)
    with pytest.raises(Conflict, match="was removed"):
        house.runs.retry(house.admin, run.id, {})
