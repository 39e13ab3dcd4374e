"""The first cause wins, and work that is stopped is really over before anybody hears of it."""

from __future__ import annotations

import asyncio

import pytest

from mogplex.domain.ending import Cause
from mogplex.worker.stop import OwnershipLost, Stop, Stopped


def test_the_first_cause_is_kept() -> None:
    stop = Stop()
    stop.set(Cause.TIMED_OUT, "time")
    stop.set(Cause.CANCELLED, "cancel")
    assert (stop.cause, stop.detail) == (Cause.TIMED_OUT, "time")
    with pytest.raises(Stopped):
        stop.check()


def test_a_lost_run_has_no_cause() -> None:
    stop = Stop()
    stop.lose()
    stop.set(Cause.CANCELLED, "cancel")
    assert stop.cause is None
    with pytest.raises(OwnershipLost):
        stop.check()


def test_work_that_ends_first_gives_its_result() -> None:
    async def play() -> int:
        return await Stop().or_result(asyncio.sleep(0, 7))

    assert asyncio.run(play()) == 7


def test_work_that_is_stopped_has_cleaned_up_when_stopped_is_raised() -> None:
    cleaned: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("yes")

    async def play() -> None:
        stop = Stop()
        asyncio.get_running_loop().call_later(0.01, stop.set, Cause.CANCELLED, "")
        with pytest.raises(Stopped):
            await stop.or_result(work())
        assert cleaned == ["yes"]

    asyncio.run(play())


def test_an_error_of_the_work_is_raised_as_it_is() -> None:
    async def work() -> None:
        raise ValueError("mine")

    async def play() -> None:
        with pytest.raises(ValueError, match="mine"):
            await Stop().or_result(work())

    asyncio.run(play())
