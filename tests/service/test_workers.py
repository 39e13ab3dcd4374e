"""Workers that stop giving signs of life, and what becomes of their runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Run, Status
from mogplex.domain.sandbox import SandboxStatus
from mogplex.service.workers import Reaped, Reaping, Workers
from mogplex.store import runs as run_table
from mogplex.store.database import Database
from tests.clock import Clock
from tests.databases import Lender
from tests.house import House, ending


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(database_url: str, clock: Clock) -> Iterator[House]:
    database = Database(database_url, clock=clock)
    opened = House(database)
    yield opened
    opened.close()
    database.close()


def types(house: House, run: Run) -> list[str]:
    return [event.type for event in house.events.since(run.id, 0, 100)]


def test_workers_register_beat_and_leave(house: House, clock: Clock) -> None:
    house.register("w1")
    house.register("w2")
    clock.now += 20
    assert house.workers.beat("w1", 2) is True
    assert house.workers.beat("unknown", 0) is False
    assert [(each.info.id, each.busy) for each in house.workers.list(10)] == [("w1", 2)]
    house.workers.leave("w1")
    assert house.workers.list(10) == []
    assert {each.info.id for each in house.workers.list()} == {"w1", "w2"}


def test_only_silent_workers_lose_their_runs(house: House, repo: Repo, clock: Clock) -> None:
    for worker_id in ("w1", "w2"):
        house.register(worker_id)
    mine, others = (house.claim(house.start(repo, w).run, w) for w in ("w1", "w2"))
    clock.now += 16
    house.workers.beat("w2", 1)
    (reaped,) = house.workers.reap(alive_after_seconds=15)
    assert (reaped.run.id, reaped.lost_worker_id, reaped.requeued) == (mine.id, "w1", True)
    assert house.runs.get(house.admin, others.id).status is Status.STREAMING
    assert house.workers.reap(alive_after_seconds=15) == []


def test_a_worker_that_left_has_lost_what_it_had(house: House, repo: Repo) -> None:
    house.register("w1")
    run = house.claim(house.start(repo).run)
    assert house.workers.reap(alive_after_seconds=15) == []
    house.workers.leave("w1")
    assert [each.run.id for each in house.workers.reap(alive_after_seconds=15)] == [run.id]


def test_a_lost_run_gets_another_attempt_and_then_ends(house: House, repo: Repo) -> None:
    first = house.claim(house.start(repo).run, "w1")
    (reaped,) = house.workers.reap(only_me="me")
    assert (reaped.reaping, reaped.run.status, reaped.run.worker_id) == (Reaping.REQUEUED, Status.PENDING, None)
    assert types(house, first) == ["queued", "attempt_started", "attempt_lost"]
    assert house.sandboxes.get(house.admin, first.sandbox_record_id or "").status is SandboxStatus.LOST
    second = house.claim(first, "w2")
    assert (second.attempt, second.started_at) == (2, first.started_at)
    assert second.sandbox_record_id != first.sandbox_record_id
    (reaped,) = house.workers.reap(only_me="me")
    assert (reaped.reaping, reaped.run.status, reaped.run.outcome) == (
        Reaping.ENDED,
        Status.FAILED,
        Outcome.INTERRUPTED,
    )
    assert "w2" in (reaped.run.error or "")
    assert reaped.run.failure is not None
    assert reaped.run.failure.retryable
    events = house.events.since(first.id, 0, 100)
    assert [event.type for event in events][-2:] == [EventType.ATTEMPT_LOST, EventType.FINISHED]
    assert events[-1].payload["synthesized"] is True
    assert [event.attempt for event in events] == [0, 1, 1, 2, 2, 2]
    assert house.workers.reap(only_me="me") == []


def test_a_lost_run_that_was_to_be_cancelled_is(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    house.runs.cancel(house.admin, run.id)
    (reaped,) = house.workers.reap(only_me="me")
    assert (reaped.run.status, reaped.run.outcome) == (Status.CANCELLED, Outcome.CANCELLED_BY_CALLER)
    assert house.events.since(run.id, 0, 100)[-1].payload["synthesized"] is True


def test_a_lost_run_whose_sandbox_was_to_be_stopped_fails(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    house.sandboxes.stop(house.admin, run.sandbox_record_id or "")
    assert house.workers.reap(only_me="me")[0].run.outcome is Outcome.SANDBOX_FAILED


@pytest.mark.parametrize("how", ["event", "note"])
def test_a_run_that_delivered_is_never_played_again(house: House, repo: Repo, how: str) -> None:
    run = house.claim(house.start(repo).run)
    if how == "event":
        house.attempts.record(run, [EventDraft(EventType.DELIVERED)]).result(10)
    else:
        house.attempts.update(run, delivered=True)
    (reaped,) = house.workers.reap(only_me="me")
    assert (reaped.run.outcome, reaped.run.attempt) == (Outcome.INTERRUPTED, 1)
    assert "delivery" in (reaped.run.error or "")


def test_more_attempts_can_be_allowed(house: House, repo: Repo) -> None:
    workers = Workers(house.database, house.hub, house.known_secrets, max_attempts=1)
    house.claim(house.start(repo).run)
    assert workers.reap(only_me="me")[0].run.outcome is Outcome.INTERRUPTED


def test_several_reapers_settle_each_run_once(house: House, repo: Repo) -> None:
    runs = [house.claim(house.start(repo, str(number)).run) for number in range(6)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: house.workers.reap(only_me="me"), range(4)))
    reaped: list[Reaped] = [each for result in results for each in result]
    assert sorted(each.run.id for each in reaped) == sorted(run.id for run in runs)
    for run in runs:
        assert types(house, run).count("attempt_lost") == 1


def test_a_run_that_a_lost_worker_has_locked_keeps_no_other_from_being_settled(
    postgresql_lender: Lender,
) -> None:
    """As one that was cut off amid a transaction has, until the server ends that."""
    database = postgresql_lender.lend()
    house = House(database)
    try:
        repo = house.add_repo()
        locked, other = [house.claim(house.start(repo, key, createBranch=True).run) for key in ("1", "2")]
        with database.write() as tx:
            run_table.get(tx, locked.id, lock=True)
            assert [each.run.id for each in house.workers.reap(only_me="me")] == [other.id]
        assert [each.run.id for each in house.workers.reap(only_me="me")] == [locked.id]
    finally:
        house.close()
        postgresql_lender.take_back(database)


def test_an_ended_run_is_not_reaped(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    house.attempts.finish(run, ending())
    assert house.workers.reap(only_me="me") == []


def test_how_to_tell_the_dead_must_be_said(house: House) -> None:
    for arguments in ({}, {"alive_after_seconds": 1.0, "only_me": "w"}):
        with pytest.raises(ValueError, match="either"):
            house.workers.reap(**arguments)


def test_only_the_database_s_clock_counts(postgresql_lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts whose clocks are hours off see the same workers alive, and the same times."""
    database = postgresql_lender.lend()
    house = House(database)
    try:
        repo = house.add_repo()
        hosts = {"right": 0.0, "early": -7200.0, "late": 7200.0}
        real = time.time
        for name, skew in hosts.items():
            monkeypatch.setattr(time, "time", lambda skew=skew: real() + skew)
            house.register(name)
            run = house.claim(house.start(repo, name, createBranch=True).run, name)
            assert abs((run.started_at or 0) - real()) < 600
        for skew in hosts.values():
            monkeypatch.setattr(time, "time", lambda skew=skew: real() + skew)
            assert {each.info.id for each in house.workers.list(600)} == set(hosts)
            assert house.workers.reap(alive_after_seconds=600) == []
    finally:
        house.close()
        postgresql_lender.take_back(database)
