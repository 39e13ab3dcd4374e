"""Signs of life, and the watch that reads them."""

from __future__ import annotations

import asyncio

import pytest

from mogplex.domain.ending import Cause
from mogplex.worker import stall
from mogplex.worker.activity import Activity
from mogplex.worker.stall import Deadlines, StallWatch
from mogplex.worker.stop import Stop
from tests.clock import Clock


def test_output_and_traffic_are_life_and_waiting_is_not() -> None:
    clock = Clock()
    activity = Activity(clock)
    clock.now += 10
    assert activity.idle_seconds() == 10
    assert not activity.begun
    activity.touch()
    assert activity.idle_seconds() == 0
    assert activity.begun


@pytest.mark.parametrize(("used", "alive"), [(0.0, False), (0.02, False), (0.9, True)])
def test_cpu_time_counts_when_it_is_more_than_waiting_takes(used: float, alive: bool) -> None:
    clock = Clock()
    activity = Activity(clock)
    activity.note_cpu(3.0)
    clock.now += 1
    activity.note_cpu(3.0 + used)
    assert (activity.idle_seconds() == 0) is alive
    assert not activity.begun, "CPU time shows that it lives, not that it has begun"


def test_a_new_start_forgets_what_was_before() -> None:
    clock = Clock()
    activity = Activity(clock)
    activity.touch()
    clock.now += 100
    activity.start()
    assert (activity.idle_seconds(), activity.begun) == (0, False)


@pytest.mark.parametrize(
    ("deadlines", "begun", "words"),
    [
        (Deadlines(start_seconds=0.0, stall_seconds=1e6), False, "printed nothing"),
        (Deadlines(start_seconds=0.0, stall_seconds=0.0), True, "No output"),
    ],
)
def test_the_watch_stops_what_never_begins_and_what_gets_stuck(
    monkeypatch: pytest.MonkeyPatch, deadlines: Deadlines, begun: bool, words: str
) -> None:
    monkeypatch.setattr(stall, "LOOK_SECONDS", 0.01)

    async def watch() -> Stop:
        stop, activity = Stop(), Activity()
        if begun:
            activity.touch()
        await StallWatch(deadlines, activity, stop).watch(lambda: None)
        return stop

    stop = asyncio.run(watch())
    assert stop.cause is Cause.STALLED
    assert words in stop.detail
