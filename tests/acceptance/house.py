"""A whole Mogplex in a temporary home: the real server process, the real CLI, real git repos."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from mogplex.client import Client
from tests import processes
from tests.processes import Process

START_SECONDS = 90  # on a machine that is busy with other tests
RUNNER_UID = 59733
BUGGY = """def clamp(value, low, high):
    if value < low:
        return low
    if value >= high:
        return value
    return value
"""
TESTS = """from clamp import clamp


def test_inside():
    assert clamp(5, 0, 10) == 5


def test_below():
    assert clamp(-5, 0, 10) == 0


def test_above():
    assert clamp(15, 0, 10) == 10
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make_repo(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A git repo with one commit on `main`; by default a small module with one failing test."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    for name, text in (files or {"clamp.py": BUGGY, "test_clamp.py": TESTS}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def say(*records: dict[str, Any]) -> str:
    """Shell lines for the scripted harness that print records of its protocol."""
    return "\n".join("echo " + _quote(json.dumps(record)) for record in records)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


SUCCESS = say({"type": "end", "success": True, "summary": "done"})


class House:
    """One server at a time on one home; `stop`, `kill` and `start` again as often as a test likes."""

    def __init__(self, *, fresh: bool = False, **settings: str) -> None:
        """`fresh`: its commands are new interpreters, as a person's would be (see tests/processes.py)."""
        self.fresh = fresh
        # Not pytest's tmp_path: a server started as root drops to another user, who can't enter that.
        self.root = Path(tempfile.mkdtemp(prefix="mogplex-test-", dir="/tmp"))
        self.root.chmod(0o755)
        self.home = self.root / "home"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {"MOGPLEX_STARTS_PER_MINUTE": "1000", "MOGPLEX_STARTS_PER_HOUR": "1000"}
        self.settings |= {"MOGPLEX_STARTS_PER_DAY": "1000", "MOGPLEX_REQUESTS_PER_MINUTE": "100000"}
        self.settings |= {"MOGPLEX_SCRIPTED_HARNESS": "on", **settings}
        self.log = self.root / "server.log"
        self.process: subprocess.Popen[bytes] | Process | None = None

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MOGPLEX_")}
        own = {"MOGPLEX_HOME": str(self.home), "MOGPLEX_URL": self.url, "MOGPLEX_WORK_DIR": str(self.root / "work")}
        return {**inherited, **own, **self.settings}

    def start(self, *flags: str, wait: bool = True) -> House:
        with self.log.open("ab") as log:
            self.process = self.launch("serve", "--port", str(self.port), *flags, stdout=log, stderr=log)
        if wait:
            self.until(self._is_up, START_SECONDS, "the server to answer")
        return self

    def launch(
        self, *arguments: str, stdout: IO[bytes], stderr: IO[bytes], **settings: str
    ) -> subprocess.Popen[bytes] | Process:
        """A command as a process of its own, with no input."""
        environment = self.environment | settings
        with Path(os.devnull).open("rb") as nothing:
            if not self.fresh:
                return processes.start(arguments, environment=environment, stdin=nothing, stdout=stdout, stderr=stderr)
            command = [sys.executable, "-m", "mogplex", *arguments]
            return subprocess.Popen(command, env=environment, stdin=nothing, stdout=stdout, stderr=stderr)

    def _is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        return (self.home / "auth.json").exists()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def api_key(self) -> str:
        key: str = json.loads((self.home / "auth.json").read_text())["apiKey"]
        return key

    @property
    def client(self) -> Client:
        return Client(self.url, self.api_key)

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        if self.fresh:
            done = subprocess.run(
                [sys.executable, "-m", "mogplex", *arguments],
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=120,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        else:
            done = processes.run(arguments, environment=self.environment)
        if check:
            assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def add_repo(
        self, name: str = "demo/clamp", files: dict[str, str] | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Make a repo, register it, and return the repo object."""
        folder = make_repo(self.root / "repos" / name, files)
        body = {"name": name, "cloneUrl": str(folder), **settings}
        added: dict[str, Any] = self.client.add_repo(body)
        return added

    def folder(self, name: str = "demo/clamp") -> Path:
        return self.root / "repos" / name

    def run_script(self, repo_id: str, script: str, **fields: Any) -> dict[str, Any]:
        """Start a run of the scripted harness."""
        body = {"repoId": repo_id, "prompt": script, "harness": "scripted", "createBranch": True, **fields}
        started: dict[str, Any] = self.client.start_run(body)
        return started

    def wait(self, run_id: str, seconds: float = 60) -> dict[str, Any]:
        """The run once it is terminal."""
        return self.until(lambda: self._terminal(run_id), seconds, f"run {run_id} to end")

    def _terminal(self, run_id: str) -> dict[str, Any] | None:
        run: dict[str, Any] = self.client.get_run(run_id, wait_seconds=5)
        return run if run["status"] in ("success", "failed", "cancelled") else None

    def wait_for_event(self, run_id: str, kind: str, seconds: float = 60) -> dict[str, Any]:
        return self.until(
            lambda: next((event for event in self.events(run_id) if event["type"] == kind), None),
            seconds,
            f"event {kind} of {run_id}",
        )

    def events(self, run_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self.client.list_events(run_id, after=found[-1]["seq"] if found else 0, limit=1000)
            found += page["events"]
            if not page["hasMore"]:
                return found

    def until(self, condition: Callable[[], Any], seconds: float, what: str) -> Any:
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < seconds:
            found = condition()
            if found:
                return found
            time.sleep(min(0.03 + waited / 10, 0.25))  # to look costs the server time, in which it could work
        raise AssertionError(f"waited {seconds} s for {what}\n{self.log.read_text()[-6000:]}")

    def left_processes(self) -> list[str]:
        """Every process that lives in one of this house's sandboxes, told by what is mounted in it."""
        left = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    mounts = (entry / "mountinfo").read_text()
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                except OSError:
                    continue  # it ended while we looked, or is somebody else's
                if f"{self.root}/work/" in mounts:
                    left.append(f"{entry.name} {command}")
        return left


def assert_truthful(house: House, run_id: str) -> dict[str, Any]:
    """What holds for every ended run: one `finished`, last, gapless numbers, agreeing with the run itself."""
    run: dict[str, Any] = house.client.get_run(run_id)
    events = house.events(run_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events].count("finished") == 1
    last = events[-1]
    assert last["type"] == "finished"
    assert last["payload"]["status"] == run["status"]
    assert last["payload"]["outcome"] == run["outcome"]
    assert run["lastSeq"] == len(events)
    return run
