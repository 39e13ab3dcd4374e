"""`serve` and `doctor`, the two commands that reach into the server's rooms. Those rooms are replaced here."""

from __future__ import annotations

import importlib
import json
import os
import stat
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import mogplex
from mogplex.__main__ import main
from mogplex.domain.errors import Conflict
from tests.cli.scripted_api import KEY, ScriptedApi, ok, refuse


class Finding(NamedTuple):
    name: str
    ok: bool
    detail: str
    remedy: str | None
    warning: bool = False


@pytest.fixture
def wiring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[types.ModuleType]:
    """A stand-in for the module that builds the server: these tests are about flags and what is shown."""
    stand_in = types.ModuleType("mogplex.wiring")
    monkeypatch.setitem(sys.modules, "mogplex.wiring", stand_in)
    monkeypatch.setattr(mogplex, "wiring", stand_in, raising=False)
    for name in ("mogplex.cli.serve", "mogplex.cli.doctor"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in [name for name in os.environ if name.startswith("MOGPLEX_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MOGPLEX_HOME", str(tmp_path / "home"))
    yield stand_in
    importlib.invalidate_caches()


def test_serve_has_defaults(wiring: Any) -> None:
    calls: list[Any] = []
    wiring.serve = lambda settings, **_: calls.append(settings)
    assert main(["serve"]) == 0
    (settings,) = calls
    assert (settings.host, settings.port, settings.slots, settings.log_level) == ("127.0.0.1", 7433, 2, "info")


def test_serve_takes_flags_before_the_environment(wiring: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    wiring.serve = lambda settings, **_: calls.append(settings)
    monkeypatch.setenv("MOGPLEX_PORT", "1")
    monkeypatch.setenv("MOGPLEX_SLOTS", "7")
    flags = "--host ::1 --port 0 --log-level DEBUG --database-url postgresql:///x"
    assert main(["serve", *flags.split()]) == 0
    (settings,) = calls
    assert (settings.host, settings.port, settings.slots, settings.log_level) == ("::1", 0, 7, "debug")
    assert settings.database_url == "postgresql:///x"


def test_serve_keeps_the_first_key_for_the_other_commands(
    wiring: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wiring.serve = lambda settings, with_worker, on_first_key, on_start: (
        on_first_key("http://h:1", KEY),
        on_start("http://h:1"),
    )
    assert main(["serve"]) == 0
    told = capsys.readouterr().out
    assert told.count(KEY) == 1
    assert "http://h:1" in told
    file = tmp_path / "home" / "auth.json"
    assert json.loads(file.read_text()) == {"url": "http://h:1", "apiKey": KEY}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_serve_tells_why_it_cannot(wiring: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse_to_start(settings: Any, **_: Any) -> None:
        raise Conflict("another server is already using this home")

    wiring.serve = refuse_to_start
    assert main(["serve"]) == 1
    assert capsys.readouterr().err.startswith("error: another server is already using this home")
    assert main(["serve", "--slots", "0"]) == 2


def test_doctor_tells_all_and_what_to_do(wiring: Any, api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    wiring.diagnose = lambda settings: [
        Finding("git", True, "2.39", None),
        Finding("sandbox", True, "holds less", None, warning=True),
        Finding("bwrap", False, "absent", "apt install it"),
    ]
    api.script("GET", "/me", ok({"scopes": ["read"]}))
    assert main(["doctor", "--url", api.url, "--api-key", KEY]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", "server"],
        ["ok", "api"],
        ["ok", "git"],
        ["WARN", "sandbox"],
        ["FAIL", "bwrap"],
        ["->", "apt"],
    ]


def test_doctor_json_and_health(wiring: Any, api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    wiring.diagnose = lambda settings: [Finding("git", True, "2.39", None)]
    assert main(["doctor", "--local", "--json"]) == 0
    finding = {"name": "git", "ok": True, "detail": "2.39", "remedy": None, "warning": False}
    assert json.loads(capsys.readouterr().out) == {"ok": True, "findings": [finding]}


@pytest.mark.parametrize("case", ["refused", "mistyped", "missing", "away", "nonsense"])
def test_doctor_finds_what_is_wrong_with_the_client_side(
    wiring: Any,
    api: ScriptedApi,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Any,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MOGPLEX_HOME", str(tmp_path))
    wiring.diagnose = lambda settings: []
    api.script("GET", "/me", refuse(401, "UNAUTHORIZED", "unknown key"))
    url = {"away": "http://127.0.0.1:1", "nonsense": "nonsense"}.get(case, api.url)
    key = {"mistyped": ["--api-key", KEY[:-1]], "missing": []}.get(case, ["--api-key", KEY])
    assert main(["doctor", "--url", url, *key, "--json"]) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["findings"]}
    broken = "server" if case in ("away", "nonsense") else "api key"
    assert [name for name, row in rows.items() if not row["ok"]] == [broken]
    assert "mogplex" in rows[broken]["remedy"]


def test_doctor_tells_a_setting_that_cannot_be_used(
    wiring: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring.diagnose = lambda settings: []
    monkeypatch.setenv("MOGPLEX_SLOTS", "many")
    assert main(["doctor", "--local", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["ok"]) for row in told["findings"]] == [("settings", False)]
    assert "MOGPLEX_SLOTS='many'" in told["findings"][0]["detail"]
