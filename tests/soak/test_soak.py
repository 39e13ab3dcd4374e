"""A short storm: a few runs, every kind of fault. The long one is `python -m tests.soak.storm --runs 300`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.databases import MISSING, find_binaries
from tests.soak.postgres import Postgres
from tests.soak.storm import Storm

RUNS = int(os.environ.get("MOGPLEX_SOAK_RUNS", "20"))


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    if find_binaries() is None:
        pytest.skip(MISSING)
    server = Postgres()
    server.start()
    yield server
    server.close()


@pytest.mark.timeout(900)
def test_nothing_is_lost_doubled_or_left_in_a_storm(postgres: Postgres) -> None:
    figures = Storm(RUNS, 7, postgres).play()
    assert figures.wrongs() == {}, figures
    assert figures.runs >= RUNS
    assert sum(figures.outcomes.values()) == figures.runs
