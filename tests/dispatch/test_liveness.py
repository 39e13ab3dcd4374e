"""The failure detector: it takes over what dead workers left, and never mistakes its own trouble for their death."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mogplex.dispatch.liveness import Liveness
from mogplex.domain.errors import ServiceUnavailable
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Status
from mogplex.domain.worker import WorkerInfo
from mogplex.service.workers import Workers
from mogplex.store.database import Database
from tests.databases import *  # noqa: F403
from tests.house import House

ME = WorkerInfo("me", "host", 1, 2)
DEAD = WorkerInfo("dead", "host", 2, 2)
BEAT_SECONDS = 0.05
DEAD_AFTER_SECONDS = 0.4


class Requeued:
    """A dispatcher that only remembers."""

    def __init__(self) -> None:
        self.requeued: list[str] = []
        self.withdrawn: list[str] = []
        self.handed_to_the_dead: list[str] = []

    def requeue(self, run_id: str) -> None:
        self.requeued.append(run_id)

    def withdraw(self, run_id: str) -> None:
        self.withdrawn.append(run_id)

    def stranded(self, alive: set[str]) -> list[str]:
        return list(self.handed_to_the_dead)


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


def watch(
    house: House, requeued: Requeued, workers: object | None = None, dead_after_seconds: float = DEAD_AFTER_SECONDS
) -> Liveness:
    return Liveness(
        workers or house.workers,  # type: ignore[arg-type]
        requeued,
        ME,
        dead_after_seconds,
        list,
        beat_seconds=BEAT_SECONDS,
    )


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_runs_of_a_silent_worker_are_queued_again(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    house.workers.register(DEAD)
    assert house.attempts.claim(run.id, DEAD.id) is not None
    requeued = Requeued()
    liveness = watch(house, requeued)
    liveness.start(alone=False)
    try:
        until(lambda: requeued.requeued == [run.id])
    finally:
        liveness.stop()
    assert house.runs.get(house.admin, run.id).status is Status.PENDING


def test_who_is_alone_takes_over_at_once_and_ends_what_has_no_attempt_left(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    for attempt in (1, 2):
        assert house.attempts.claim(run.id, f"dead-{attempt}") is not None
        requeued = Requeued()
        liveness = watch(house, requeued)
        liveness.start(alone=True)
        liveness.stop()
        assert requeued.requeued == ([run.id] if attempt == 1 else [])
    assert requeued.withdrawn == [run.id]
    ended = house.runs.get(house.admin, run.id)
    assert (ended.status, ended.outcome) == (Status.FAILED, Outcome.INTERRUPTED)


def test_a_run_that_was_handed_to_the_dead_but_never_claimed_is_queued_again(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    requeued = Requeued()
    requeued.handed_to_the_dead = [run.id, "run_of_nobody"]
    liveness = watch(house, requeued)
    liveness.start(alone=True)
    liveness.stop()
    assert requeued.requeued == [run.id]


def test_an_outage_of_the_database_is_nobody_s_death(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    house.workers.register(DEAD)
    assert house.attempts.claim(run.id, DEAD.id) is not None
    requeued, workers = Requeued(), Flaky(house.workers)
    dead_after_seconds = 2.0  # roomy: the other one below must be able to keep it on a busy machine
    liveness = watch(house, requeued, workers, dead_after_seconds)
    liveness.start(alone=False)
    try:
        workers.away.set()
        time.sleep(1.5 * dead_after_seconds)
        workers.away.clear()
        # The other one beats again too, now that it can.
        for _ in range(8):
            house.workers.beat(DEAD.id, 1)
            time.sleep(dead_after_seconds / 8)
        assert requeued.requeued == []
    finally:
        liveness.stop()
    assert house.runs.get(house.admin, run.id).status is Status.STREAMING
