"""Client commands stay light: what they import is what they cost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.scripted_api import RUN_ID, ScriptedApi, make_run, ok

HEAVY = {"asyncio", "pydantic", "sqlalchemy", "rich", "fastapi", "starlette", "uvicorn", "dbos", "aiohttp", "httpx"}
HEAVY |= {"dataclasses", "importlib.metadata", "subprocess", "sqlite3", "logging"}
ROOMS = {
    f"mogplex.{room}" for room in ("wiring", "service", "store", "api", "worker", "dispatch", "domain", "settings")
}


def modules_after(environment: dict[str, str], *arguments: str) -> set[str]:
    code = (
        "import sys; from mogplex.__main__ import main; code = main(sys.argv[1:]); assert code == 0, code;"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.splitlines())


@pytest.mark.parametrize(
    "arguments", [["runs", "get", RUN_ID, "--json"], ["runs", "list"], ["run", "--repo", "r", "x"]]
)
def test_commands_import_nothing_heavy(api: ScriptedApi, environment: dict[str, str], arguments: list[str]) -> None:
    api.script("GET", f"/runs/{RUN_ID}", ok({"run": make_run()}))
    api.script("GET", "/runs", ok({"runs": [make_run()]}))
    api.script("POST", "/runs", ok(make_run("pending"), 202))
    loaded = modules_after(environment, *arguments)
    assert "mogplex.client.calls" in loaded
    assert loaded & (HEAVY | ROOMS) == set()
    assert len(loaded) < 220


def test_help_speaks_no_http(environment: dict[str, str]) -> None:
    loaded = modules_after(environment, "--version") | modules_after(environment)
    assert loaded & (HEAVY | ROOMS | {"http.client", "ssl", "mogplex.client"}) == set()


def test_the_package_alone_brings_no_client(environment: dict[str, str]) -> None:
    code = (
        "import sys, mogplex; before = set(sys.modules); print(mogplex.Client.__name__, mogplex.ApiError.__name__);"
        "light = 'aiohttp' not in sys.modules; print(mogplex.AsyncClient.__name__, light, *sorted(before))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    client, rest = done.stdout.splitlines()
    name, light, *before = rest.split()
    assert (client, name, light) == ("Client ApiError", "AsyncClient", "True")
    assert {each for each in before if each.startswith("mogplex")} == {"mogplex"}
