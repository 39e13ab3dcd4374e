"""Who goes next: labels, slots, limits and priorities, the same on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mogplex.domain.errors import BadRequest
from mogplex.domain.repo import Repo
from mogplex.domain.run import Run
from mogplex.domain.seating import SeatRules, WaitReason
from mogplex.domain.worker import WorkerInfo
from mogplex.store.database import Database
from tests.clock import Clock
from tests.house import House, ending

PLAIN = WorkerInfo("plain", "host", 1, 4)
GPU = WorkerInfo("gpu", "host", 2, 1, labels=("arm64", "gpu"))


def start(house: House, repo: Repo, key: str, **fields: Any) -> Run:
    return house.start(repo, key, **{"createBranch": True, **fields}).run


def reason(house: House, run: Run) -> WaitReason | None:
    place = house.runs.queue_place(house.runs.get(house.admin, run.id))
    return place.reason if place else None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(clock: Clock, database_url: str) -> Iterator[House]:
    database = Database(database_url, clock=clock)
    opened = House(database, rules=SeatRules(aging_seconds=10, repo_concurrency=2, key_concurrency=3))
    yield opened
    opened.close()
    database.close()


def test_labels_lead_to_workers_that_have_them_all(house: House, repo: Repo) -> None:
    house.workers.register(PLAIN)
    both = start(house, repo, "both", needs=["gpu", "arm64", "gpu"])
    one = start(house, repo, "one", needs=["gpu"])
    none = start(house, repo, "none")
    assert both.needs == ("arm64", "gpu"), "the same wish is the same request"
    assert reason(house, both) is WaitReason.NO_WORKER_WITH_LABELS
    assert reason(house, none) is WaitReason.NEXT
    assert [house.seating.take(PLAIN) for _ in range(2)] == [none.id, None]
    house.workers.register(GPU)
    assert reason(house, both) is WaitReason.NEXT
    assert [house.seating.take(GPU) for _ in range(2)] == [both.id, None]
    assert (reason(house, both), reason(house, one)) == (WaitReason.HANDED_OVER, WaitReason.SLOTS_BUSY)
    claimed = house.claim(house.runs.get(house.admin, both.id), GPU.id)
    house.attempts.finish(claimed, ending())
    assert house.seating.take(GPU) == one.id


@pytest.mark.parametrize("needs", [["GPU"], ["a b"], [""], ["x" * 64], "gpu", [["gpu"]], [str(n) for n in range(17)]])
def test_what_is_no_label_is_refused(house: House, repo: Repo, needs: object) -> None:
    with pytest.raises(BadRequest, match="needs"):
        start(house, repo, "k", needs=needs)


def test_who_waits_is_told_why(house: House, repo: Repo) -> None:
    first, second = house.start(repo, "a").run, house.start(repo, "b").run
    assert reason(house, first) is WaitReason.NO_WORKER
    house.workers.register(PLAIN)
    assert house.seating.fill(PLAIN) == 1
    assert reason(house, second) is WaitReason.BRANCH_BUSY
    patches = [house.start(repo, f"p{number}", delivery="patch").run for number in range(4)]
    assert house.seating.fill(PLAIN) == 3, "a patch is in nobody's way"
    assert reason(house, patches[-1]) is WaitReason.SLOTS_BUSY
    place = house.runs.queue_place(patches[-1])
    assert place is not None
    assert "4" in place.detail
    house.workers.drain(PLAIN.id)
    assert reason(house, patches[-1]) is WaitReason.NO_WORKER
    assert reason(house, first) is WaitReason.NO_WORKER, "what was not begun waits again"


def test_many_workers_that_ask_at_once_hold_to_their_own_slots(house: House, repo: Repo) -> None:
    runs = [start(house, repo, str(number)).id for number in range(14)]
    workers = [WorkerInfo(f"w{slots}", "host", slots, slots) for slots in (1, 2, 3, 4)]
    threads = [threading.Thread(target=house.seating.fill, args=(worker,)) for worker in workers * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    handed = house.dispatcher.handed
    assert {worker.id: sum(each[1] == worker.id for each in handed) for worker in workers} == {
        "w1": 1,
        "w2": 2,
        "w3": 3,
        "w4": 4,
    }
    assert sorted(each[0] for each in handed) == sorted(runs[:10]), "each once, the oldest first"


def test_a_repo_and_a_key_have_no_more_at_once_than_they_may(timed: House, clock: Clock) -> None:
    worker = replace(PLAIN, slots=20)
    timed.workers.register(worker)
    default, strict = timed.add_repo(), timed.add_repo(cloneUrl="/srv/git/acme/strict", concurrency=1)
    waiting = []
    for number, each in enumerate((default, default, default, strict, strict)):
        clock.now += 1
        waiting.append(start(timed, each, f"k{number}"))
    clock.now += 1
    other = timed.caller("read", "write")
    theirs = timed.start(timed.add_repo(cloneUrl="/srv/git/acme/third"), "t", other, createBranch=True).run
    assert timed.seating.fill(worker) == 4
    assert [each[0] for each in timed.dispatcher.handed] == [waiting[0].id, waiting[1].id, waiting[3].id, theirs.id]
    assert reason(timed, waiting[2]) is WaitReason.REPO_CONCURRENCY
    third = timed.add_repo(cloneUrl="/srv/git/acme/fourth")
    assert reason(timed, start(timed, third, "f")) is WaitReason.KEY_CONCURRENCY
    timed.attempts.finish(timed.claim(timed.runs.get(timed.admin, waiting[0].id), worker.id), ending())
    assert timed.seating.fill(worker) == 1


def test_priority_goes_first_and_never_for_ever(timed: House, clock: Clock) -> None:
    """A run is passed only by those of a higher priority that came within ten seconds for each step between them."""
    repo = timed.add_repo(concurrency=100)
    timed.workers.register(PLAIN)
    low = start(timed, repo, "low")
    clock.now += 5
    high = start(timed, repo, "high", priority=5)
    clock.now += 40
    late = start(timed, repo, "late", priority=4)
    places = [timed.runs.queue_place(run) for run in (low, high, late)]
    assert [(place.position, place.ahead) for place in places if place] == [(2, 1), (1, 0), (3, 2)]
    assert [timed.seating.take(PLAIN) for _ in range(3)] == [high.id, low.id, late.id]


def test_a_late_hand_over_takes_nothing_from_a_newer_one(house: House, repo: Repo) -> None:
    run = start(house, repo, "k")
    assert house.seating.take(PLAIN) == run.id
    house.seating.give_back([PLAIN.id])
    assert house.seating.take(GPU) == run.id
    assert house.dispatcher.handed == [(run.id, "plain", 1), (run.id, "gpu", 2)]
    assert house.attempts.claim(run.id, PLAIN.id) is None
    assert house.claim(run, GPU.id).attempt == 1
