"""The folder of a server, and the lock that keeps a second one off its database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mogplex.domain.errors import BadRequest, Conflict
from mogplex.home import Home
from mogplex.settings import Settings


def _home(folder: Path) -> Home:
    home = Home(Settings.read({"MOGPLEX_HOME": str(folder)}))
    home.prepare()
    return home


@pytest.mark.parametrize("way", ["one", "link"])
@pytest.mark.parametrize("home", ["one", "two"])
def test_a_database_has_one_server_whatever_way_leads_to_it(tmp_path: Path, home: str, way: str) -> None:
    first, second = _home(tmp_path / "one"), _home(tmp_path / home)
    (tmp_path / "link").symlink_to(tmp_path / "one")
    with (
        first.alone("http://127.0.0.1:1", tmp_path / "one" / "mogplex.db"),
        pytest.raises(Conflict, match=f"already served by pid {os.getpid()} at http://127.0.0.1:1"),
        second.alone("http://127.0.0.1:2", tmp_path / way / "mogplex.db"),
    ):
        raise AssertionError("two servers on one file")
    with second.alone("http://127.0.0.1:2", tmp_path / way / "mogplex.db"):
        pass


def test_two_databases_have_a_server_each(tmp_path: Path) -> None:
    home = _home(tmp_path)
    with home.alone("x", tmp_path / "a.db"), home.alone("y", tmp_path / "b.db"), home.alone("z", None):
        pass


def test_a_database_that_cannot_be_there_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(BadRequest, match="MOGPLEX_DATABASE_URL"),
        _home(tmp_path).alone("x", tmp_path / "missing" / "a.db"),
    ):
        raise AssertionError("a lock in a folder that isn't there")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sandboxes run as another user")
def test_where_work_happens_is_the_same_before_and_after_the_first_start(tmp_path: Path) -> None:
    settings = Settings.read({"MOGPLEX_HOME": str(tmp_path / "home")})
    before = Home(settings).work_dir
    Home(settings).prepare()
    assert Home(settings).work_dir == before
