"""The shape that must always work, word for word, and what a person finds afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.house import BUGGY, TESTS, House, assert_truthful, git

FOUR_LINES = """
set -euo pipefail
RUN_ID=$(mogplex run --repo "$MOGPLEX_REPO" --create-branch --json \\
    "Investigate the failing test and propose the smallest fix." | jq -r '.runId')
mogplex runs events "$RUN_ID" --follow --timeout 900
mogplex runs get "$RUN_ID" --json
"""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Started as a person starts it."""
    shared = House(fresh=True)
    try:
        yield shared.start()
    finally:
        shared.close()


def test_the_four_lines_fix_a_failing_test(house: House, tmp_path: Path) -> None:
    repo = house.add_repo("demo/four-lines", checks=["python -m pytest -q"])
    environment = {**house.environment, "MOGPLEX_API_KEY": house.api_key, "MOGPLEX_REPO": repo["id"]}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", FOUR_LINES], env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout.splitlines()[-1])
    assert (run["status"], run["outcome"], run["verdict"]) == ("success", "completed", "verified")
    assert run["baseline"] == "failed"
    assert run["changes"]["files"] == 1
    assert f"--- run {run['runId']} success ---" in done.stdout
    assert_truthful(house, run["runId"])

    branch = run["branch"]["working"]
    folder = house.folder("demo/four-lines")
    assert git(folder, "rev-parse", branch) == run["changes"]["commit"]
    fixed = git(folder, "show", f"{branch}:clamp.py")
    assert "return high" in fixed
    assert run["runId"] in git(folder, "log", "-1", "--format=%B", branch)
    assert git(folder, "rev-parse", "main") == git(folder, "rev-parse", f"{branch}~1")

    patch = house.cli("runs", "patch", run["runId"]).stdout
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(folder), str(clone))
    subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=clone, check=True)
    assert (clone / "clamp.py").read_text().strip() == fixed


def test_the_same_request_never_does_the_work_twice(house: House) -> None:
    repo = house.add_repo("demo/twice", checks=["python -m pytest -q"])
    arguments = ["run", "--repo", repo["id"], "--create-branch", "--idempotency-key", "nightly-1", "--json", "Fix it."]
    first = json.loads(house.cli(*arguments).stdout)
    house.wait(first["runId"])
    second = json.loads(house.cli(*arguments).stdout)
    assert second["runId"] == first["runId"]
    assert second["replayed"] is True
    assert second["status"] == "success"
    other = house.cli(*arguments[:-1], "Fix something else.", check=False)
    assert other.returncode == 1
    assert "IDEMPOTENCY_CONFLICT" in other.stderr


def test_nothing_to_fix_is_told_as_no_changes(house: House) -> None:
    files = {
        "one.py": "def one():\n    return 1\n",
        "test_one.py": "from one import one\n\n\ndef test_one():\n    assert one() == 1\n",
    }
    repo = house.add_repo("demo/green", files, checks=["python -m pytest -q"])
    run = house.client.start_run({"repoId": repo["id"], "prompt": "Fix it.", "createBranch": True})
    ended = house.wait(run["runId"])
    assert (ended["status"], ended["outcome"], ended["verdict"]) == ("success", "no_changes", "verified")
    assert ended["changes"] is None


def test_a_bug_that_repair_cannot_fix_fails_with_the_suspects(house: House) -> None:
    files = {
        "secret.py": "def answer(question):\n    return len(question)\n",
        "test_secret.py": (
            "from secret import answer\n\n\ndef test_answer():\n"
            "    assert answer('life') == 'forty-two, as everybody ought to know'\n"
            "    assert answer('fish') == 'so long, and thanks'\n"
        ),
    }
    repo = house.add_repo("demo/hopeless", files, checks=["python -m pytest -q"])
    run = house.client.start_run(
        {"repoId": repo["id"], "prompt": "Fix it.", "createBranch": True, "timeoutSeconds": 60}
    )
    ended = house.wait(run["runId"], 90)
    assert (ended["status"], ended["outcome"]) == ("failed", "harness_failed")
    assert ended["failure"]["retryable"] is True
    assert any("secret.py" in str(suspect) for suspect in ended["result"]["suspects"])
    assert_truthful(house, run["runId"])


def test_a_sub_folder_is_the_whole_world_of_a_run(house: House) -> None:
    files = {
        "service/clamp.py": BUGGY,
        "service/test_clamp.py": TESTS,
        "other/test_red.py": "def test_red():\n    assert 0\n",
    }
    repo = house.add_repo("demo/mono", files, rootDirectory="service", checks=["python -m pytest -q"])
    run = house.client.start_run({"repoId": repo["id"], "prompt": "Fix it.", "createBranch": True})
    ended = house.wait(run["runId"])
    assert ended["outcome"] == "completed"
    assert ended["changes"]["paths"] == ["service/clamp.py"]
