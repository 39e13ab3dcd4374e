"""News between processes, on a real PostgreSQL: heard once connected, heard again after a cut, never of ourselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from mogplex.store import bell as bell_module
from mogplex.store.bell import Bell
from tests.databases import *  # noqa: F403
from tests.databases import PostgresServer


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Ear:
    def __init__(self, url: str) -> None:
        self.heard: dict[str, int] = {}
        self.doubts = 0
        self._lock = threading.Lock()
        self.bell = Bell(sa.make_url(url), self._hear, self._doubt)
        self.bell.start()

    def _hear(self, topic: str, number: int) -> None:
        with self._lock:
            self.heard[topic] = number

    def _doubt(self) -> None:
        with self._lock:
            self.doubts += 1


@pytest.fixture
def pair(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Ear, Ear, str]]:
    monkeypatch.setattr(bell_module, "PROOF_SECONDS", 0.1)
    monkeypatch.setattr(bell_module, "_AGAIN_SECONDS", 0.05)
    name = postgres_server.create(empty=True)
    with ExitStack() as house:
        house.callback(postgres_server.drop, name)
        first, second = Ear(postgres_server.url_of(name)), Ear(postgres_server.url_of(name))
        for ear in (first, second):
            house.callback(ear.bell.close)
        until(lambda: first.bell.is_heard and second.bell.is_heard)
        yield first, second, name


def test_others_hear_what_is_told_and_the_teller_does_not(pair: tuple[Ear, Ear, str]) -> None:
    first, second, _ = pair
    told = {f"run_{number:024d}": number for number in range(1000)}  # more than one notification can hold
    for topic, number in told.items():
        first.bell.ring(topic, number)
    until(lambda: second.heard == told)
    assert first.heard == {}


def test_after_a_cut_it_is_said_that_news_may_be_missing_and_all_is_heard_again(
    pair: tuple[Ear, Ear, str], postgres_server: PostgresServer
) -> None:
    first, second, name = pair
    doubts = second.doubts
    postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    until(lambda: second.doubts > doubts and second.bell.is_heard and first.bell.is_heard)
    first.bell.ring("queue", 0)
    until(lambda: second.heard == {"queue": 0})


def test_who_hears_nothing_knows_it(pair: tuple[Ear, Ear, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a pooler, which lets everything pass but notifications."""
    first, _, _ = pair
    monkeypatch.setattr(first.bell, "_hear", lambda payload: None)
    monkeypatch.setattr(bell_module, "DEAF_SECONDS", 0.2)
    until(lambda: not first.bell.is_heard)
