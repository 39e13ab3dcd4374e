"""The failure detector: it takes over what dead workers left, and never mistakes its own trouble for their death."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mogplex.dispatch.liveness import Liveness
from mogplex.domain.errors import ServiceUnavailable
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Run, Status
from mogplex.domain.worker import WorkerInfo
from mogplex.service.workers import Workers
from mogplex.store.database import Database
from tests.databases import *  # noqa: F403
from tests.house import House

ME = WorkerInfo("me", "host", 1, 2)
DEAD = WorkerInfo("dead", "host", 2, 2)
BEAT_SECONDS = 0.05
DEAD_AFTER_SECONDS = 0.4


class Flaky:
    """The real service, which can be made to fail as if the database were away."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.away = threading.Event()

    def __getattr__(self, name: str) -> Callable[..., object]:
        if self.away.is_set():
            raise ServiceUnavailable("the database is away")
        return getattr(self._workers, name)  # type: ignore[no-any-return]


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    opened = House(database)
    yield opened
    opened.close()


@pytest.fixture
def repo(house: House) -> Repo:
    return house.add_repo()


def watch(house: House, workers: object | None = None, dead_after_seconds: float = DEAD_AFTER_SECONDS) -> Liveness:
    return Liveness(
        workers or house.workers,  # type: ignore[arg-type]
        ME,
        dead_after_seconds,
        list,
        beat_seconds=BEAT_SECONDS,
    )


def status_of(house: House, run: Run) -> Status:
    return house.runs.get(house.admin, run.id).status


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_runs_of_a_silent_worker_are_queued_again(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    house.workers.register(DEAD)
    assert house.attempts.claim(run.id, DEAD.id) is not None
    liveness = watch(house)
    liveness.start(alone=False)
    try:
        until(lambda: status_of(house, run) is Status.PENDING)
    finally:
        liveness.stop()


def test_who_is_alone_takes_over_at_once_and_ends_what_has_no_attempt_left(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    for attempt in (1, 2):
        assert house.attempts.claim(run.id, f"dead-{attempt}") is not None
        liveness = watch(house)
        liveness.start(alone=True)
        liveness.stop()
        assert status_of(house, run) is (Status.PENDING if attempt == 1 else Status.FAILED)
    ended = house.runs.get(house.admin, run.id)
    assert (ended.status, ended.outcome) == (Status.FAILED, Outcome.INTERRUPTED)


@pytest.mark.parametrize("alone", [True, False])
def test_a_run_that_was_handed_to_the_dead_and_never_begun_waits_again(house: House, repo: Repo, alone: bool) -> None:
    run = house.start(repo).run
    house.workers.register(DEAD)
    assert house.seating.take(DEAD) == run.id
    assert house.seating.take(ME) is None
    liveness = watch(house)
    liveness.start(alone=alone)
    try:
        until(lambda: house.seating.take(ME) == run.id)
    finally:
        liveness.stop()
    assert house.attempts.claim(run.id, DEAD.id) is None, "the hand-over to the dead one is void"
    assert house.attempts.claim(run.id, ME.id) is not None


def test_an_outage_of_the_database_is_nobody_s_death(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    house.workers.register(DEAD)
    assert house.attempts.claim(run.id, DEAD.id) is not None
    workers = Flaky(house.workers)
    dead_after_seconds = 2.0  # roomy: the other one below must be able to keep it on a busy machine
    liveness = watch(house, workers, dead_after_seconds)
    liveness.start(alone=False)
    try:
        workers.away.set()
        time.sleep(1.5 * dead_after_seconds)
        workers.away.clear()
        # The other one beats again too, now that it can.
        for _ in range(8):
            house.workers.beat(DEAD.id, 1)
            time.sleep(dead_after_seconds / 8)
    finally:
        liveness.stop()
    assert house.runs.get(house.admin, run.id).status is Status.STREAMING
