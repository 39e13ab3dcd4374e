"""The TypeScript client: its types are those of the API, and it plays a run with a real server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mogplex.domain.run import Outcome, Status
from mogplex.service.run_filter import RunFilter
from tests.api.door import Door
from tests.client.test_runs import DIFF, finish

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients" / "typescript"
NODE = Path(sys.prefix) / "bin" / "node"
COMPILER = CLIENT / "node_modules" / "typescript" / "bin" / "tsc"


def test_the_types_are_those_of_the_api() -> None:
    words = [sys.executable, str(ROOT / "scripts" / "openapi.py"), "--fingerprint"]
    now = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    first_line = (CLIENT / "src" / "schema.ts").read_text(encoding="utf-8").splitlines()[0]
    assert first_line == f"// fingerprint of the API: {now}", "the API has changed: bash scripts/typescript.sh"


@pytest.mark.skipif(not (NODE.exists() and COMPILER.exists()), reason="no Node or TypeScript: scripts/setup.sh --tests")
def test_it_is_type_checked_and_plays_a_run(door: Door) -> None:
    checked = subprocess.run([NODE, COMPILER], cwd=CLIENT, capture_output=True, text=True, timeout=100, check=False)
    assert checked.returncode == 0, checked.stdout
    door.house.add_repo()
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.05):
            first = door.house.runs.list(door.house.admin, RunFilter(status=Status.PENDING, limit=5)).items
            if first:
                finish(door, door.house.claim(first[-1]), Outcome.CHECKS_FAILED)
                return

    worker = threading.Thread(target=work)
    worker.start()
    known = {"MOGPLEX_URL": f"http://{door.host}:{door.port}", "MOGPLEX_API_KEY": door.key}
    try:
        done = subprocess.run(
            [NODE, "story.mjs"], cwd=CLIENT, env=known, capture_output=True, text=True, timeout=100, check=False
        )
    finally:
        ended.set()
        worker.join()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["same"] and told["retryOf"] and told["ended"]
    assert told["status"] == ["failed", "failed", "checks_failed"]
    assert (told["events"][0], told["events"][-1]) == ("queued", "finished")
    assert told["patch"] == DIFF.decode()
    assert told["refused"] == "NOT_FOUND"
    assert told["repos"] == ["acme/widgets"]
