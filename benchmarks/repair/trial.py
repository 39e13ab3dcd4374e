"""Runs the engine on one broken folder, as a sandbox would but unconfined, and reads its stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GRACE_SECONDS = 60.0


@dataclass
class Outcome:
    """`seconds` until the end record; `success` means a patch that passes the whole suite was written."""

    success: bool
    seconds: float
    summary: str
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        return int(self.result.get("candidatesTried", 0))

    @property
    def timing(self) -> dict[str, float]:
        return dict(self.result.get("timing", {}))

    @property
    def patch(self) -> dict[str, Any]:
        return self.result.get("patch") or {}


def run_engine(toolkit: Path, folder: Path, seconds: float) -> Outcome:
    command = [
        sys.executable,
        "-I",
        "-B",
        str(toolkit / "repair"),
        "--directory",
        str(folder),
        "--seconds",
        str(seconds),
    ]
    # Our own environment's plugins are no part of these suites, and take longer to load than most of them to run.
    # The paths are there as if the package was installed from the folder: pytest itself imports one of them.
    paths = f"{folder}/src:{folder}"
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": paths}
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds * 2 + GRACE_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, time.monotonic() - started, "the engine did not end in time")
    took = time.monotonic() - started
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    end = json.loads(lines[-1]) if lines else {}
    if end.get("type") != "end":
        return Outcome(False, took, f"no end record: {done.stderr.decode('utf-8', 'replace')[-500:]}")
    is_fixed = end["success"] is True and not end["result"].get("noChanges")  # a bug that no test notices isn't fixed
    return Outcome(is_fixed, took, end["summary"], end["result"])
