"""`serve` and `doctor`, the two commands that reach into the server's rooms. Those rooms are replaced here."""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from conftest import KEY
from scripted_api import ScriptedApi, ok, refuse

import mogplex
from mogplex.__main__ import main
from mogplex.domain.errors import Conflict


class Finding(NamedTuple):
    name: str
    ok: bool
    detail: str
    remedy: str | None


@pytest.fixture
def wiring(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """A stand-in for the module that builds the server: these tests are about flags and what is shown."""
    stand_in = types.ModuleType("mogplex.wiring")
    monkeypatch.setitem(sys.modules, "mogplex.wiring", stand_in)
    monkeypatch.setattr(mogplex, "wiring", stand_in, raising=False)
    for name in ("mogplex.cli.serve", "mogplex.cli.doctor"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in [name for name in os.environ if name.startswith("MOGPLEX_")]:
        monkeypatch.delenv(name)
    yield stand_in
    importlib.invalidate_caches()


def _record(wiring: Any, calls: list[dict[str, Any]], answer: Callable[[], int] = lambda: 0) -> None:
    def serve(**options: Any) -> int:
        calls.append(options)
        return answer()

    wiring.serve = serve


def test_serve_has_defaults(wiring: types.ModuleType) -> None:
    calls: list[dict[str, Any]] = []
    _record(wiring, calls)
    assert main(["serve"]) == 0
    assert calls == [{"host": "127.0.0.1", "port": 7433, "slots": 2, "log_level": "info"}]


def test_serve_takes_flags_before_the_environment(wiring: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    _record(wiring, calls, lambda: 3)
    monkeypatch.setenv("MOGPLEX_PORT", "1")
    monkeypatch.setenv("MOGPLEX_SLOTS", "7")
    monkeypatch.setenv("MOGPLEX_DATABASE_URL", "")
    flags = "--host ::1 --port 0 --log-level DEBUG --database-url postgresql:///x"
    assert main(["serve", *flags.split()]) == 3
    assert calls == [{"host": "::1", "port": 0, "slots": 7, "log_level": "debug"}]
    assert os.environ["MOGPLEX_DATABASE_URL"] == "postgresql:///x"


def test_serve_tells_why_it_cannot(wiring: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse_to_start() -> int:
        raise Conflict("another server is already using this home")

    _record(wiring, [], refuse_to_start)
    assert main(["serve"]) == 1
    assert capsys.readouterr().err.startswith("error: another server is already using this home")
    assert main(["serve", "--slots", "0"]) == 2


def test_doctor_tells_all_and_what_to_do(wiring: Any, api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    wiring.diagnose = lambda: [Finding("git", True, "2.39", None), Finding("bwrap", False, "absent", "apt install it")]
    api.script("GET", "/me", ok({"scopes": ["read"]}))
    assert main(["doctor", "--url", api.url, "--api-key", KEY]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", "server"],
        ["ok", "api"],
        ["ok", "git"],
        ["FAIL", "bwrap"],
        ["->", "apt"],
    ]


def test_doctor_json_and_health(wiring: Any, api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    wiring.diagnose = lambda: [Finding("git", True, "2.39", None)]
    assert main(["doctor", "--local", "--json"]) == 0
    finding = {"name": "git", "ok": True, "detail": "2.39", "remedy": None}
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
    wiring.diagnose = list
    api.script("GET", "/me", refuse(401, "UNAUTHORIZED", "unknown key"))
    url = {"away": "http://127.0.0.1:1", "nonsense": "nonsense"}.get(case, api.url)
    key = {"mistyped": ["--api-key", KEY[:-1]], "missing": []}.get(case, ["--api-key", KEY])
    assert main(["doctor", "--url", url, *key, "--json"]) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["findings"]}
    broken = "server" if case in ("away", "nonsense") else "api key"
    assert [name for name, row in rows.items() if not row["ok"]] == [broken]
    assert "mogplex" in rows[broken]["remedy"]
