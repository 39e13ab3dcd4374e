"""A door for each test, on a fresh SQLite file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mogplex.domain.repo import Repo
from mogplex.store.database import Database
from tests.api.door import Door
from tests.databases import sqlite_template

__all__ = ["sqlite_template"]

OpenDoor = Callable[..., Door]


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "mogplex.db"
    shutil.copy(sqlite_template, path)
    opened = Database(f"sqlite:///{path}", busy_timeout_seconds=5.0)
    yield opened
    opened.close()


@pytest.fixture
def open_door(database: Database) -> Iterator[OpenDoor]:
    """Opens a door with limits of its own: `open_door(requests_per_minute=3, starts={60.0: 2})`."""
    opened: list[Door] = []

    def make(**settings: Any) -> Door:
        opened.append(Door(database, **settings))
        return opened[-1]

    yield make
    for door in opened:
        door.close()


@pytest.fixture
def door(open_door: OpenDoor) -> Door:
    return open_door()


@pytest.fixture
def repo(door: Door) -> Repo:
    return door.house.add_repo()


@pytest.fixture(scope="session")
def shared_door(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """For tests that leave nothing behind: refusals, mostly."""
    path = tmp_path_factory.mktemp("door") / "mogplex.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    opened = Door(database)
    yield opened
    opened.close()
    database.close()


@pytest.fixture(scope="session")
def shared_repo(shared_door: Door) -> Repo:
    return shared_door.house.add_repo()
