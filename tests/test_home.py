"""The folder of a server, and the lock that keeps a second one off its database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mogplex.domain.errors import BadRequest, Conflict
from mogplex.home import Home
from mogplex.settings import Settings


def _home(folder: Path, database: Path | None = None) -> Home:
    url = f"sqlite:///{database}" if database else None
    home = Home(Settings.read({"MOGPLEX_HOME": str(folder)}, database_url=url))
    home.prepare()
    return home


@pytest.mark.parametrize("way", ["the same home", "another home", "a link to it"])
def test_a_database_has_one_server_whatever_way_leads_to_it(tmp_path: Path, way: str) -> None:
    first = _home(tmp_path / "one")
    database = tmp_path / "one" / "mogplex.db"
    (tmp_path / "link").symlink_to(tmp_path / "one")
    second = {
        "the same home": lambda: first,
        "another home": lambda: _home(tmp_path / "two", database),
        "a link to it": lambda: _home(tmp_path / "two", tmp_path / "link" / "mogplex.db"),
    }[way]()
    with first.alone("http://127.0.0.1:1"):
        with pytest.raises(Conflict, match=f"already served by pid {os.getpid()} at http://127.0.0.1:1"):
            second.alone("http://127.0.0.1:2").__enter__()
    with second.alone("http://127.0.0.1:2"):
        pass


def test_two_databases_have_a_server_each(tmp_path: Path) -> None:
    with _home(tmp_path, tmp_path / "a.db").alone("x"), _home(tmp_path, tmp_path / "b.db").alone("y"):
        pass


def test_a_database_that_cannot_be_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="MOGPLEX_DATABASE_URL"):
        _home(tmp_path, tmp_path / "missing" / "a.db").alone("x").__enter__()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sandboxes run as another user")
def test_where_work_happens_is_the_same_before_and_after_the_first_start(tmp_path: Path) -> None:
    settings = Settings.read({"MOGPLEX_HOME": str(tmp_path / "home")})
    before = Home(settings).work_dir
    Home(settings).prepare()
    assert Home(settings).work_dir == before
