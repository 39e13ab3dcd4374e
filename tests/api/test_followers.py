"""A thousand followers in one process of what another process writes: all of it, once, in order, whoever is slow."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mogplex.api.stream import EventStream
from mogplex.api.tails import Tails
from mogplex.domain.run import Run
from mogplex.service import events as events_module
from mogplex.service.events import EventHub, Events
from mogplex.service.keys import Keys
from mogplex.service.sign_ins import SignIns
from mogplex.store.bell import Bell
from mogplex.store.database import Database
from tests.databases import *  # noqa: F403
from tests.databases import PostgresServer
from tests.house import House, ending, said

FOLLOWERS = 1000
EVENTS = 200
_SEQ = re.compile(rb"^id: (\d+)$", re.MULTILINE)


@pytest.fixture
def hosts(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[House, Events]]:
    """One that writes, and the events as another one sees them, each with a hub of its own; nobody looks by clock."""
    monkeypatch.setattr(events_module, "FAR_SECONDS", 3600.0)
    monkeypatch.setattr(events_module, "NEAR_SECONDS", 3600.0)
    name = postgres_server.create()
    with ExitStack() as opened:
        opened.callback(postgres_server.drop, name)
        databases = [Database(postgres_server.url_of(name)) for _ in range(2)]
        for database in databases:
            opened.callback(database.close)
        writer, reader = House(databases[0]), Events(databases[1], EventHub())
        opened.callback(writer.close)
        for database, hub in zip(databases, (writer.hub, reader.hub), strict=True):
            bell = Bell(database.url, hub.wake, hub.wake_all)
            hub.relay_through(bell.ring, lambda: True)
            bell.start()
            opened.callback(bell.close)
        yield writer, reader


class Follower:
    """An ASGI client that keeps the numbers it gets; a slow one takes nothing until it is let go."""

    def __init__(self, slow: bool = False) -> None:
        self.seen: list[int] = []
        self.ready = asyncio.Event()
        self.go = asyncio.Event()
        if not slow:
            self.go.set()

    async def send(self, message: Any) -> None:
        self.ready.set()
        await self.go.wait()
        self.seen += [int(number) for number in _SEQ.findall(message.get("body", b""))]

    async def receive(self) -> Any:
        await asyncio.Event().wait()


async def follow(tails: Tails, run: Run, followers: list[Follower], writer: House) -> None:
    streams = [
        asyncio.create_task(
            EventStream(tails, run.api_key_id, run.id, 0, 1)({"type": "http", "method": "GET"}, each.receive, each.send)
        )
        for each in followers
    ]
    await asyncio.gather(*(each.ready.wait() for each in followers))
    quick = [(stream, each) for stream, each in zip(streams, followers, strict=True) if each.go.is_set()]
    await asyncio.to_thread(write, writer, run)
    await asyncio.wait_for(asyncio.gather(*(stream for stream, _ in quick)), 120)
    assert all(not each.seen for each in followers if not each.go.is_set())
    for each in followers:
        each.go.set()
    await asyncio.wait_for(asyncio.gather(*streams), 120)


def write(writer: House, run: Run) -> None:
    for number in range(0, EVENTS, 20):
        assert writer.attempts.record(run, [said(str(number + each)) for each in range(20)]).result(30)
    assert writer.attempts.finish(run, ending())


def test_a_thousand_follow_another_process_and_the_slow_ones_hold_up_nobody(hosts: tuple[House, Events]) -> None:
    writer, reader = hosts
    run = writer.claim(writer.start(writer.add_repo()).run)
    followers = [Follower(slow=number % 100 == 0) for number in range(FOLLOWERS)]

    async def play() -> None:
        database = reader._database
        await follow(Tails(reader, Keys(database, SignIns(database))), run, followers, writer)

    asyncio.run(play())
    all_of_it = list(range(1, EVENTS + 4))
    assert [number for number, each in enumerate(followers) if each.seen != all_of_it] == []
    assert reader.hub.count() == 0
