"""Limits: windows that slide exactly, hold across processes, and count only what was let in."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from mogplex.domain.errors import RateLimited
from mogplex.service.limits import DEFAULT_STARTS, Allowance, Limits, RequestsLimited
from mogplex.store.database import Database
from mogplex.store.schema import request_hits
from tests.clock import Clock
from tests.house import House


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clocked(database_url: str, clock: Clock) -> Iterator[House]:
    database = Database(database_url, clock=clock)
    house = House(database, starts=DEFAULT_STARTS)
    yield house
    house.close()
    database.close()


def test_requests_are_counted_down_and_refused_at_the_limit(clocked: House, clock: Clock) -> None:
    limits = Limits(clocked.database, requests_per_minute=3)
    start = clock.now
    assert limits.take_request(clocked.admin) == Allowance(3, 2, start + 60)
    clock.now += 20
    assert limits.take_request(clocked.admin) == Allowance(3, 1, start + 60)
    assert limits.take_request(clocked.admin) == Allowance(3, 0, start + 60)
    for _ in range(5):  # refusals are not counted
        with pytest.raises(RequestsLimited) as caught:
            limits.take_request(clocked.admin)
        assert caught.value.allowance == Allowance(3, 0, start + 60)
        assert caught.value.retry_after_seconds == pytest.approx(40)
    clock.now = start + 60.001
    assert limits.take_request(clocked.admin).remaining == 0  # one place came free, not three
    with pytest.raises(RateLimited):
        limits.take_request(clocked.admin)
    clock.now += 60
    assert limits.take_request(clocked.admin).remaining == 2


def test_keys_have_limits_of_their_own(clocked: House) -> None:
    limits = Limits(clocked.database, requests_per_minute=1)
    limits.take_request(clocked.admin)
    limits.take_request(clocked.caller("read"))
    with pytest.raises(RateLimited):
        limits.take_request(clocked.admin)


def test_a_limit_holds_among_processes(house: House, database_url: str) -> None:
    """Two Database objects share nothing but the database."""
    other = Database(database_url)
    limits = [Limits(database, requests_per_minute=25) for database in (house.database, other)]
    taken: list[bool] = []

    def take(mine: Limits) -> None:
        for _ in range(10):
            try:
                mine.take_request(house.admin)
            except RateLimited:
                taken.append(False)
            else:
                taken.append(True)

    threads = [threading.Thread(target=take, args=(mine,)) for mine in limits * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    other.close()
    assert (taken.count(True), taken.count(False)) == (25, 15)


def test_old_requests_are_forgotten(clocked: House, clock: Clock) -> None:
    limits = Limits(clocked.database, requests_per_minute=1000)
    for _ in range(20):
        limits.take_request(clocked.admin)
        clock.now += 30
    with clocked.database.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(request_hits)).scalar_one() <= 5


def test_starts_are_limited_by_minute_hour_and_day(database_url: str, clock: Clock) -> None:
    database = Database(database_url, clock=clock)
    house = House(database, starts={60.0: 2, 3600.0: 5, 86400.0: 12})
    repo, first = house.add_repo(), clock.now
    started, refusals = 0, []
    while clock.now < first + 86400:
        try:
            house.start(repo, f"k{started}")
            started += 1
        except RateLimited as refusal:
            refusals.append(refusal)
            clock.now += refusal.retry_after_seconds + 0.01  # what we are told to wait is enough, and not too much
    assert started == 12
    told = [word for refusal in refusals for word in ("minute", "hour", "day") if f"per {word}" in refusal.message]
    assert told == ["minute", "minute", "hour", "minute", "minute", "hour", "day"]
    assert DEFAULT_STARTS == {60.0: 10, 3600.0: 30, 86400.0: 150}
    house.close()
    database.close()


def test_a_start_counts_for_exactly_its_window(clocked: House, clock: Clock) -> None:
    repo, first = clocked.add_repo(), clock.now
    for number in range(10):
        clocked.start(repo, f"k{number}")
        clock.now += 1
    clock.now = first + 59.9
    with pytest.raises(RateLimited) as caught:
        clocked.start(repo, "early")
    assert caught.value.retry_after_seconds == pytest.approx(0.1, abs=0.01)
    clock.now = first + 60.1
    clocked.start(repo, "in time")
    with pytest.raises(RateLimited):
        clocked.start(repo, "the next place comes free a second later")


def test_replays_refusals_and_invalid_requests_cost_no_start(clocked: House) -> None:
    repo = clocked.add_repo()
    for number in range(10):
        clocked.start(repo, f"k{number}")
        assert clocked.start(repo, f"k{number}").replayed
    for _ in range(3):
        with pytest.raises(RateLimited, match="10 runs per minute"):
            clocked.start(repo, "one more")
    assert clocked.start(repo, "k3").replayed
    left = clocked.limits.left(clocked.admin)
    assert left["starts"]["perMinute"] == {"limit": 10, "left": 0}
    assert left["starts"]["perDay"] == {"limit": 150, "left": 140}
    assert left["requests"]["perMinute"] == {"limit": 60, "left": 60}
    other = clocked.caller("write", owner="somebody")
    clocked.start(repo, "k0", caller=other)  # quota is per owner


def test_retries_cost_starts_too(clocked: House) -> None:
    repo = clocked.add_repo()
    run = clocked.start(repo, "k").run
    clocked.runs.cancel(clocked.admin, run.id)
    for _ in range(9):
        clocked.runs.retry(clocked.admin, run.id, {})
    with pytest.raises(RateLimited):
        clocked.runs.retry(clocked.admin, run.id, {})


def test_racing_starts_do_not_pass_the_quota_together(database: Database) -> None:
    house = House(database, starts={60.0: 5})
    repo = house.add_repo()
    results: list[bool] = []

    def start(number: int) -> None:
        try:
            house.start(repo, f"k{number}")
        except RateLimited:
            results.append(False)
        else:
            results.append(True)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (results.count(True), results.count(False)) == (5, 7)
    house.close()


def test_limits_below_one_are_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Limits(database, requests_per_minute=0)
    with pytest.raises(ValueError, match="at least 1"):
        Limits(database, starts={60.0: 0})
