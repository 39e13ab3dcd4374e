"""A lost admin key, on a real database file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mogplex.__main__ import main
from mogplex.service.keys import Keys
from mogplex.service.sign_ins import SignIns
from mogplex.store.database import Database
from mogplex.store.migrations import upgrade


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MOGPLEX_DATABASE_URL", "MOGPLEX_API_KEY", "MOGPLEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOGPLEX_HOME", str(tmp_path))
    return tmp_path


def test_a_new_admin_key_works_beside_the_old_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = Database(f"sqlite:///{home}/mogplex.db")
    upgrade(database)
    keys = Keys(database, SignIns(database))
    old = keys.create_first()
    assert old is not None
    (home / "auth.json").write_text(json.dumps({"url": "http://127.0.0.1:7433", "apiKey": old}))
    assert main(["keys", "reset-admin"]) == 0
    new = capsys.readouterr().out.strip()
    assert keys.authenticate(new).scopes == keys.authenticate(old).scopes
    assert new != old
    assert json.loads((home / "auth.json").read_text()) == {"url": "http://127.0.0.1:7433", "apiKey": new}
    database.close()


def test_where_no_server_was_nothing_is_made(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "reset-admin"]) == 1
    assert "mogplex serve" in capsys.readouterr().err
    assert list(home.iterdir()) == []
