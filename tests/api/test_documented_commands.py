"""Every command of docs/api.md and docs/events.md, run as it stands there, against a real server."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mogplex.domain.run import Changes, Outcome
from mogplex.domain.sandbox import SandboxFacts
from tests.api.door import BASE, Door
from tests.house import ending, said

DOCS = Path(__file__).parents[2] / "docs"
BEFORE = "def add(a, b):\n    return a - b\n"
DIFF = (
    "diff --git a/sum.py b/sum.py\n--- a/sum.py\n+++ b/sum.py\n"
    "@@ -1,2 +1,2 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n"
)


def commands(page: str) -> list[str]:
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```$", (DOCS / page).read_text(), re.S | re.M)
    return [block for block in blocks if "curl" in block]


def prepare(door: Door) -> dict[str, str]:
    """A repo, a run that is over with a patch, one that was cancelled, a sandbox and a key: the commands' variables."""
    repo = door.house.add_repo(checks=["pytest -q"], pushBranches=None)
    run = door.house.claim(door.house.start(repo, "done", createBranch=True).run)
    door.house.attempts.record(run, [said("Looking at tests/test_sum.py")]).result(10)
    assert door.house.attempts.save_patch(run, DIFF.encode())
    changes = Changes(1, 1, 1, "c" * 40, ("sum.py",))
    assert door.house.attempts.finish(run, ending(Outcome.COMPLETED, changes=changes), SandboxFacts())
    cancelled = door.house.start(repo, "cancelled", createBranch=True).run
    door.send("POST", f"/runs/{cancelled.id}/cancel")
    return {
        "api": f"http://{door.host}:{door.port}{BASE}",
        "auth": f"Authorization: Bearer {door.key}",
        "run": run.id,
        "cancelled": cancelled.id,
        "sandbox": door.get("/sandboxes").data["sandboxes"][0]["id"],
        "schedule": _make_schedule(door, repo.id),
        "webhook": door.send("POST", "/webhooks", {"url": "https://example.org/"}).data["webhook"]["id"],
        "key": door.send("POST", "/keys", {"name": "doomed"}).data["key"]["id"],
    }


def _make_schedule(door: Door, repo_id: str) -> str:
    run = {"prompt": "Tidy up", "createBranch": True}
    made = door.send("POST", "/schedules", {"repoId": repo_id, "cron": "0 0 1 1 *", "run": run})
    return str(made.data["schedule"]["id"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apt-get install curl")
@pytest.mark.parametrize("page", ["api.md", "events.md"])
def test_commands_do_what_the_page_says(door: Door, tmp_path: Path, page: str) -> None:
    variables = prepare(door)
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    (tmp_path / "sum.py").write_text(BEFORE)
    ran = 0
    for command in commands(page):
        if "jq" in command and shutil.which("jq") is None:
            continue
        if "/retry" in command:
            command = command.replace("$run", "$cancelled")
        removes_repo = "-X DELETE" in command and "/repos/" in command and "/secrets/" not in command
        if removes_repo:
            for run in door.get("/runs?status=pending").data["runs"]:
                door.send("POST", f"/runs/{run['runId']}/cancel")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **variables},
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        if "git apply" in command:
            assert "a + b" in (tmp_path / "sum.py").read_text()
        elif "/stream" in command:
            assert '"type":"finished"' in done.stdout
        elif "jq" in command:
            assert done.stdout.splitlines()[-1].split()[1] == "finished"
        else:
            assert done.stdout.startswith('{"ok":true,'), (command, done.stdout)
        if removes_repo:  # later commands speak of it again
            variables["schedule"] = _make_schedule(door, door.house.add_repo(checks=["pytest -q"]).id)
        ran += 1
    assert ran >= {"api.md": 20, "events.md": 1}[page]
