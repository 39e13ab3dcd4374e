"""A contest on its way, step by step, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mogplex.domain.errors import BadRequest, RateLimited
from mogplex.domain.event import EventType
from mogplex.domain.request import RunRequest
from mogplex.domain.run import Changes, Ending, Outcome, Run, Status, Verdict
from mogplex.domain.worker import WorkerInfo
from mogplex.service.contests import Contests
from mogplex.store import queue
from mogplex.store.database import Database
from tests.house import House, ending

SMALL, LARGE = Changes(1, 1, 0, "c1"), Changes(1, 9, 9, "c2")


def contests_of(house: House) -> Contests:
    return Contests(house.database, house.places, house.hub, house.known_secrets)


def now(house: House, run: Run) -> Run:
    return house.runs.get(house.admin, run.id)


def finish(house: House, run_id: str, told: Ending) -> None:
    claimed = house.claim(house.runs.get(house.admin, run_id))
    house.attempts.update(claimed, base_commit="a" * 40)
    assert house.attempts.finish(claimed, told)


def waits(house: House, run_id: str) -> bool:
    """For a slot."""
    run = house.runs.get(house.admin, run_id)
    return run.status is Status.PENDING and run.ready_at is not None


def types(house: House, run: Run) -> list[EventType]:
    return [event.type for event in house.events.since(run.id, 0, 100)]


def test_side_by_side_the_smallest_verified_change_wins_and_goes_to_delivery(house: House) -> None:
    run = house.start(house.add_repo(), attempts=2, attemptsMode="side-by-side", createBranch=True).run
    assert run.contest is not None
    first, second = run.contest.contenders
    assert waits(house, first)
    assert waits(house, second)
    assert not waits(house, run.id), "it waits for them, not for a slot"
    contests = contests_of(house)
    finish(house, first, replace(ending(), changes=LARGE))
    contests.advance()
    assert now(house, run).contest.winner is None  # type: ignore[union-attr]
    finish(house, second, replace(ending(), changes=SMALL))
    contests.advance()
    contests.advance()
    decided = now(house, run)
    assert decided.contest is not None
    assert (decided.status, decided.contest.winner) == (Status.PENDING, second)
    assert waits(house, run.id)
    assert types(house, run)[-3:] == [
        EventType.CONTENDER_FINISHED,
        EventType.CONTENDER_FINISHED,
        EventType.CONTENDER_CHOSEN,
    ]
    kept = house.attempts.kept_work(house.claim(decided))
    assert kept is not None
    assert kept.run_id == second


def test_in_order_the_next_begins_after_a_failure_and_none_left_ends_it(house: House) -> None:
    run = house.start(house.add_repo(), attempts=2, createBranch=True).run
    contests = contests_of(house)
    for number in (1, 2):
        contest = now(house, run).contest
        assert contest is not None
        assert len(contest.contenders) == number
        finish(house, contest.contenders[-1], ending(Outcome.CHECKS_FAILED, Verdict.FAILED, error=f"no {number}"))
        contests.advance()
    ended = now(house, run)
    assert (ended.status, ended.outcome, ended.verdict) == (Status.FAILED, Outcome.CHECKS_FAILED, Verdict.FAILED)
    assert "None of the 2 contenders succeeded" in (ended.error or "")
    assert types(house, run).count(EventType.FINISHED) == 1


def test_a_contest_that_fails_does_not_hold_up_those_behind_it(house: House) -> None:
    repo = house.add_repo()
    stuck = house.start(repo, "a", attempts=2, createBranch=True).run
    behind = house.start(repo, "b", attempts=2, createBranch=True, workingBranch="other").run
    taken = f"contender:{stuck.id}:2"
    with pytest.raises(BadRequest, match="kept for Mogplex"):
        house.start(repo, taken)
    with pytest.raises(BadRequest, match="kept for Mogplex"):
        house.runs.retry(house.admin, stuck.id, {}, taken)
    request = RunRequest.of({"repoId": repo.id, "prompt": "An old row"})
    house.runs.start(house.admin, request, taken, own_key=True)
    for run in (stuck, behind):
        assert run.contest is not None
        finish(house, run.contest.contenders[0], ending(Outcome.CHECKS_FAILED, Verdict.FAILED, error="no"))
    contests_of(house).advance()
    assert [len(now(house, run).contest.contenders) for run in (stuck, behind)] == [1, 2]  # type: ignore[union-attr]


def test_a_cancel_ends_run_and_contenders_and_nothing_follows(house: House) -> None:
    run = house.start(house.add_repo(), attempts=3, createBranch=True).run
    house.runs.cancel(house.admin, run.id)
    contests_of(house).advance()
    assert run.contest is not None
    for run_id in (run.id, *run.contest.contenders):
        assert house.runs.get(house.admin, run_id).status is Status.CANCELLED
    assert house.seating.fill(WorkerInfo("w1", "host", 1, 9)) == 0


def test_who_takes_the_place_of_a_contest_stops_its_contenders_too(house: House) -> None:
    repo = house.add_repo()
    branch = {"createBranch": True, "workingBranch": "mogplex/contended"}
    old = house.start(repo, "old", attempts=2, attemptsMode="side-by-side", **branch).run
    assert old.contest is not None
    played, waiting = old.contest.contenders
    house.claim(house.runs.get(house.admin, played))
    newer = house.start(repo, "new", supersede=True, **branch).run
    for run_id in (old.id, waiting):
        ended = house.runs.get(house.admin, run_id)
        assert (ended.outcome, ended.superseded_by) == (Outcome.SUPERSEDED, newer.id)
    asked = house.runs.get(house.admin, played)
    assert (asked.status, asked.superseded_by) == (Status.STREAMING, newer.id)
    assert asked.cancel_requested_at is not None


def test_a_contest_that_nobody_won_can_be_resumed(house: House) -> None:
    run = house.start(house.add_repo(), attempts=2, attemptsMode="side-by-side", createBranch=True).run
    assert run.contest is not None
    for run_id in run.contest.contenders:
        claimed = house.claim(house.runs.get(house.admin, run_id))
        house.attempts.update(claimed, base_commit="a" * 40)
        house.attempts.save_patch(claimed, b"half done")
        told = ending(Outcome.CHECKS_FAILED, Verdict.FAILED, error="no")
        assert house.attempts.finish(claimed, replace(told, changes=SMALL))
    contests_of(house).advance()
    again = house.runs.retry(house.admin, run.id, {"resume": True}).run
    kept = house.attempts.kept_work(again)
    assert kept is not None
    assert (kept.run_id, kept.base_commit, kept.diff) == (run.id, "a" * 40, b"half done")


def test_a_contest_that_waits_for_its_contenders_is_not_in_the_queue(database: Database) -> None:
    house = House(database, queue_limit=3)
    repo = house.add_repo()
    house.start(repo, "c", attempts=2, attemptsMode="side-by-side", createBranch=True, priority=7)
    with database.read() as tx:
        assert queue.waiting(tx, []).depth == 2
        assert [row[2] for row in queue.waiting_by_repo(tx, [])] == [2]
        assert queue.waiting_by_priority(tx, []) == [(7, 2)]
    third = house.start(repo, "third").run
    with pytest.raises(RateLimited, match="3 runs wait already"):
        house.start(repo, "fourth")
    place = house.runs.queue_place(third)
    assert place is not None
    assert place.ahead == 2
    house.close()


def test_retrying_a_contest_plays_it_anew(house: House) -> None:
    run = house.start(house.add_repo(), attempts=2, createBranch=True).run
    house.runs.cancel(house.admin, run.id)
    again = house.runs.retry(house.admin, run.id, {}).run
    assert again.contest is not None
    assert len(again.contest.contenders) == 1
    assert again.contest.contenders != run.contest.contenders  # type: ignore[union-attr]
