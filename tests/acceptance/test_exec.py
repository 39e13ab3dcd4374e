"""`mogplex exec`: the whole thing without a server, for a one-off CI job."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes
from tests.acceptance.house import SUCCESS, git, make_repo

CHECK = "python -m pytest -q"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's tmp_path: sandboxes run as another user, who can't enter that."""
    root = Path(tempfile.mkdtemp(prefix="mogplex-test-", dir="/tmp"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root, ignore_errors=True)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mogplex", "exec", *arguments]


def environment(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MOGPLEX_")}
    return {**inherited, "MOGPLEX_SCRIPTED_HARNESS": "on", "TMPDIR": str(folder)}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return processes.run(["exec", *arguments], environment=environment(folder), timeout_seconds=100)


def test_it_fixes_the_checkout_on_a_new_branch(folder: Path) -> None:
    repo = make_repo(folder / "repo")
    output = folder / "out"
    done = run(
        folder, "--repo", str(repo), "--check", CHECK, "--output", str(output), "--json", "Fix the failing test."
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    final = lines[-1]
    assert (final["status"], final["verdict"]) == ("success", "verified")
    assert [line["seq"] for line in lines[:-1]] == list(range(1, len(lines)))
    assert "return high" in git(repo, "show", f"{final['branch']['working']}:clamp.py")
    assert json.loads((output / "run.json").read_text()) == final
    assert [json.loads(line) for line in (output / "events.jsonl").read_text().splitlines()] == lines[:-1]
    assert not list(folder.glob("mogplex-exec-*")), "nothing is left"


@pytest.mark.parametrize(("script", "code"), [(SUCCESS, 21), ("echo all is well", 20)], ids=["lie", "words"])
def test_its_exit_code_is_the_truth(folder: Path, script: str, code: int) -> None:
    repo = make_repo(folder / "repo")
    done = run(folder, "--repo", str(repo), "--check", CHECK, "--harness", "scripted", script)
    assert done.returncode == code, done.stdout + done.stderr


def test_a_kill_leaves_a_record_that_can_be_read(folder: Path) -> None:
    repo = make_repo(folder / "repo")
    output = folder / "out"
    script = "while :; do echo one more line of many; done"
    process = subprocess.Popen(
        command("--repo", str(repo), "--harness", "scripted", "--output", str(output), script),
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while _read(output / "events.jsonl").count(b"\n") < 50:
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
    finally:
        process.kill()
        process.communicate()
    assert json.loads((output / "run.json").read_text())["status"] == "streaming", "no ending that nobody saw"
    events = [json.loads(line) for line in (output / "events.jsonl").read_text().splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert list(folder.glob("mogplex-exec-*")), "nobody was there to remove it"
    assert run(folder, "--repo", str(repo), "--harness", "scripted", "exit 1").returncode == 20
    assert not list(folder.glob("mogplex-exec-*")), "the next one does"


def test_a_refusal_replaces_what_an_earlier_run_left(folder: Path) -> None:
    output = folder / "out"
    output.mkdir()
    (output / "run.json").write_text('{"status": "success"}')
    done = run(folder, "--repo", str(folder / "nowhere"), "--output", str(output), "Fix it.")
    assert done.returncode == 1
    assert "nowhere" in done.stderr and "Traceback" not in done.stderr
    record = json.loads((output / "run.json").read_text())
    assert (record["runId"], record["status"], record["outcome"]) == (None, "failed", "setup_failed")
    assert record["error"]
    assert (output / "events.jsonl").read_text() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_truthful_record(folder: Path, number: int) -> None:
    repo = make_repo(folder / "repo")
    output = folder / "out"
    process = subprocess.Popen(
        command("--repo", str(repo), "--harness", "scripted", "--output", str(output), "echo begun; sleep 300"),
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while b"stream_started" not in _read(output / "events.jsonl"):
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        assert json.loads((output / "run.json").read_text())["status"] == "streaming"
        process.send_signal(number)
        assert process.wait(timeout=30) == 24
    finally:
        process.kill()
        process.communicate()
    final = json.loads((output / "run.json").read_text())
    assert (final["status"], final["outcome"]) == ("cancelled", "cancelled_by_caller")
    assert json.loads((output / "events.jsonl").read_text().splitlines()[-1])["type"] == "finished"
    assert not list(folder.glob("mogplex-exec-*"))


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def test_what_is_no_repo_is_told(folder: Path) -> None:
    done = run(folder, "--repo", str(folder), "Fix it.")
    assert done.returncode == 1
    assert str(folder) in done.stderr
    assert "Traceback" not in done.stderr
