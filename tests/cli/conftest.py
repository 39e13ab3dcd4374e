"""A scripted server, and the real command line run against it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes
from tests.cli.scripted_api import KEY, Cli, ScriptedApi

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    server = ScriptedApi()
    yield server
    server.close()


@pytest.fixture
def environment(api: ScriptedApi, tmp_path: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MOGPLEX_", "LC_", "COV_")) and name not in ("NO_COLOR", "LANG")
    }
    own = {"MOGPLEX_URL": api.url, "MOGPLEX_API_KEY": KEY, "MOGPLEX_HOME": str(tmp_path / "home"), "LANG": "C.UTF-8"}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of starts: compile each module once, and not in the sources
    own["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / "mogplex-cli-test-pycache")
    return {**kept, **own, "PYTHONPATH": str(SOURCE), "TERM": "xterm"}


@pytest.fixture
def cli(environment: dict[str, str]) -> Cli:
    """`cli("runs", "list")` runs the command as a process and returns what it printed and its exit code."""

    def run(*arguments: str, stdin: str = "", **changes: str | None) -> subprocess.CompletedProcess[str]:
        settings = {**environment, **{name: value for name, value in changes.items() if value is not None}}
        for name, value in changes.items():
            if value is None:
                settings.pop(name, None)
        # What Python reads as it starts needs an interpreter that starts.
        if not any(name.startswith(("PYTHON", "LC_", "LANG")) for name in changes):
            return processes.run(arguments, environment=settings, stdin=stdin, timeout_seconds=60)
        return subprocess.run(
            [sys.executable, "-m", "mogplex", *arguments],
            env=settings,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run
