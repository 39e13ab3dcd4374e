"""A toolkit built once, and small broken repos for the engine, which runs as its own process as in a sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mogplex.harnesses.repair.toolkit import Toolkit


@dataclass
class Outcome:
    """What one run of the engine said. `records` are its lines in order; `end` is the last one, an end record."""

    records: list[dict[str, Any]]
    exit_code: int
    stderr: str

    @property
    def end(self) -> dict[str, Any]:
        assert self.records and self.records[-1]["type"] == "end", f"no end record: {self.records[-1:]} {self.stderr}"
        return self.records[-1]

    @property
    def result(self) -> dict[str, Any]:
        return self.end["result"]


@dataclass
class Repo:
    """A folder with files, and the engine for it."""

    root: Path
    toolkit: Toolkit
    before: dict[str, bytes] = field(default_factory=dict)
    has_plugins: bool = False  # our own environment's, which take seconds to load

    def write(self, **files: str) -> Repo:
        """`name__py` stands for name.py; `tests__test_x__py` for tests/test_x.py."""
        for name, text in files.items():
            *folders, stem, ending = name.split("__")
            path = self.root.joinpath(*folders, f"{stem}.{ending}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.before = self.snapshot()
        return self

    def snapshot(self) -> dict[str, bytes]:
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): path.read_bytes() for path in files}

    def start(self, *arguments: str, seconds: float = 80.0) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-B", str(self.toolkit.folder / "repair"), "--directory", str(self.root)]
        environment = {"PATH": os.environ["PATH"], **Toolkit.environment(str(self.toolkit.folder))}
        if not self.has_plugins:
            environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        return subprocess.Popen(
            [*command, "--seconds", str(seconds), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )

    def repair(self, *arguments: str, seconds: float = 80.0, interrupt_after: float | None = None) -> Outcome:
        process = self.start(*arguments, seconds=seconds)
        if interrupt_after is not None:
            time.sleep(interrupt_after)
            process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=115)
        return Outcome([json.loads(line) for line in output.splitlines()], process.returncode, errors.decode())


@pytest.fixture(scope="session")
def toolkit(tmp_path_factory: pytest.TempPathFactory) -> Toolkit:
    return Toolkit.build(tmp_path_factory.mktemp("toolkit"))


@pytest.fixture
def repo(tmp_path: Path, toolkit: Toolkit) -> Repo:
    root = tmp_path / "repo"
    root.mkdir()
    return Repo(root, toolkit)
