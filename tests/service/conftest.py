"""Databases and services for this folder's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mogplex.domain.repo import Repo
from mogplex.store.database import Database
from tests.databases import *  # noqa: F403
from tests.house import House


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    opened = House(database)
    yield opened
    opened.close()


@pytest.fixture
def repo(house: House) -> Repo:
    return house.add_repo()
