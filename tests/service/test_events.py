"""Reading events back, and being woken for more."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from mogplex.domain.errors import BadRequest, Forbidden
from mogplex.domain.repo import Repo
from mogplex.service.events import EventHub
from tests.house import House, ending, said


def test_pages_go_on_where_the_last_one_ended(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    house.attempts.record(run, [said(str(number)) for number in range(8)])
    house.attempts.finish(run, ending())
    seen, after = [], 0
    while True:
        page = house.events.page(house.admin, run.id, after, 4)
        seen += [event.seq for event in page.events]
        after = page.next_after
        if not page.has_more:
            break
    assert seen == list(range(1, 12))
    beyond = house.events.page(house.admin, run.id, 500, 4)
    assert (beyond.events, beyond.next_after, beyond.has_more) == ([], 500, False)


def test_the_line_behind_an_event_is_kept_without_secrets_and_read_only_when_asked_for(house: House) -> None:
    repo = house.add_repo(env={"TOKEN": "owners-secret"})
    run = house.claim(house.start(repo).run)
    line = 'x{"said": "owners-secret"}' + "x" * 20_000
    assert house.attempts.record(run, [replace(said("one"), raw=line), said("two")]).result(10)
    assert {event.raw for event in house.events.page(house.admin, run.id, 0, 10).events} == {None}
    *_, one, two = house.events.page(house.admin, run.id, 0, 10, raw=True).events
    assert one.raw is not None and one.raw.startswith('x{"said": "[redacted]"}')
    assert len(one.raw) <= 16 * 1024
    assert two.raw is None


@pytest.mark.parametrize(("after", "limit"), [(-1, 10), (2**40, 10), (0, 0), (0, -5)])
def test_pages_that_cannot_be_are_refused(house: House, repo: Repo, after: int, limit: int) -> None:
    with pytest.raises(BadRequest):
        house.events.page(house.admin, house.start(repo).run.id, after, limit)


def test_large_limits_are_cut_and_reading_needs_its_scope(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    assert len(house.events.page(house.admin, run.id, 0, 10**9).events) == 1
    with pytest.raises(Forbidden):
        house.events.page(type(house.admin)("k", "n", "o", frozenset()), run.id, 0, 1)


def test_every_change_wakes_those_who_wait(house: House, repo: Repo) -> None:
    told: list[int] = []
    run = house.start(repo).run
    unsubscribe = house.hub.subscribe(run.id, told.append)
    claimed = house.claim(run)
    house.attempts.record(claimed, [said("x")]).result(10)
    house.runs.cancel(house.admin, run.id)
    house.attempts.finish(claimed, ending())
    assert told == [2, 3, 4, 5]
    unsubscribe()
    unsubscribe()
    assert house.hub.count() == 0


def test_who_is_woken_finds_what_it_was_woken_for(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    missing: list[int] = []

    def look(last_seq: int) -> None:
        if len(house.events.since(run.id, 0, 1000)) < last_seq:
            missing.append(last_seq)

    house.hub.subscribe(run.id, look)
    for number in range(20):
        house.attempts.record(run, [said(str(number))])
    house.attempts.finish(run, ending())
    assert missing == []


def test_a_reader_that_fails_harms_nobody() -> None:
    hub, told = EventHub(), []

    def fail(last_seq: int) -> None:
        raise RuntimeError("loop is closed")

    hub.subscribe("run", fail)
    hub.subscribe("run", told.append)
    hub.publish("run", 3)
    hub.publish("other", 4)
    assert told == [3]


def test_subscribing_and_publishing_at_once_is_safe() -> None:
    hub = EventHub()
    faults: list[BaseException] = []

    def churn() -> None:
        try:
            for _ in range(500):
                hub.subscribe("run", lambda last_seq: None)()
                hub.publish("run", 1)
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=churn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (faults, hub.count()) == ([], 0)
