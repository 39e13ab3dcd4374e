"""The supervisor's end of a server: starts it, hands requests to its workers, reads their answers."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .safekeeping import JOURNAL, LOG, read_lines, remove_made

ENGINE_PARENT = Path(__file__).resolve().parent.parent
BOOT = "import sys; sys.path.append({parent!r}); from {package}.server import main; raise SystemExit(main())"
STDERR_TAIL_BYTES = 16_384
CHUNK_BYTES = 1 << 16


class ServerLost(Exception):
    """The server or a worker of it went away, or never came up. The message says what its stderr said last."""


@dataclass
class Plan:
    """What a server needs to know."""

    root: Path
    files: list[str]  # real paths of the repo's own source files
    paths: list[str]  # put before sys.path
    arguments: list[str] = field(default_factory=list)
    overlay: dict[str, str] = field(default_factory=dict)  # real path -> text imported in its place
    warm: int = 2
    cold: int = 1
    collect_cpu_seconds: float = 60.0
    environment: dict[str, str] = field(default_factory=dict)  # beyond our own
    shelf: tuple[str, float] | None = None  # of another server, to share: its folder, and since when


Hear = Callable[["Worker", "dict[str, Any]"], None]


class Worker:
    """One worker process: at most one request at a time."""

    def __init__(self, connection: socket.socket, is_cold: bool) -> None:
        self.connection = connection
        self.is_cold = is_cold
        self.is_busy = False
        self.is_lost = False
        self.request: Any = None  # whatever the caller wants to remember
        self.hear: Hear | None = None  # who is told the answers, if not whoever polls
        self.buffer = b""


class Pool:
    """A running server. Use as a context manager; leaving it kills the server and everything it started."""

    def __init__(self, plan: Plan, pause: Callable[[], None] = lambda: None) -> None:
        """`pause` is called several times a second while waiting; it may raise to stop."""
        self._pause = pause
        self._plan = plan
        self._selector = selectors.DefaultSelector()
        self._stderr: deque[bytes] = deque(maxlen=8)
        self.workers: list[Worker] = []
        self.collected: list[dict[str, str]] = []
        self.errors: list[dict[str, str]] = []
        self.loaded: list[str] = []
        self.pytest_version = ""
        self.shelf = ("", 0.0)

    def __enter__(self) -> Pool:
        self._temporary = tempfile.mkdtemp(prefix="repair-")
        self.shelf = self._plan.shelf or (f"{self._temporary}/bytecode", time.time())
        control, its_control = socket.socketpair()
        pairs = [socket.socketpair() for _ in range(self._plan.warm + self._plan.cold)]
        fds = [theirs.fileno() for _, theirs in pairs]
        settings = {
            "root": str(self._plan.root), "files": self._plan.files, "paths": self._plan.paths,
            "arguments": self._plan.arguments, "overlay": self._plan.overlay, "control": its_control.fileno(),
            "warm": fds[: self._plan.warm], "cold": fds[self._plan.warm :],
            "collect_cpu_seconds": self._plan.collect_cpu_seconds, "shelf": self.shelf,
            "temporary": self._temporary,
        }  # fmt: skip
        boot = BOOT.format(parent=str(ENGINE_PARENT), package=__package__.rpartition(".")[2])
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-c", boot], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, pass_fds=[its_control.fileno(), *fds], start_new_session=True,
            env={**server_environment(self._temporary), **self._plan.environment}, cwd=self._plan.root,
        )  # fmt: skip
        its_control.close()
        self._control = control
        for number, (ours, theirs) in enumerate(pairs):
            theirs.close()
            worker = Worker(ours, number >= self._plan.warm)
            self.workers.append(worker)
            self._selector.register(ours, selectors.EVENT_READ, worker)
        self._selector.register(control, selectors.EVENT_READ, None)
        assert self._process.stdin is not None and self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        self._selector.register(self._process.stderr, selectors.EVENT_READ, None)
        with contextlib.suppress(BrokenPipeError):  # the server died at once; await_collection says why
            self._process.stdin.write(json.dumps(settings).encode())
            self._process.stdin.close()
        return self

    def __exit__(self, *exc: object) -> None:
        for worker in self.workers:
            worker.connection.close()
        self._control.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._selector.close()
        for log in Path(self._temporary).glob(f"*/{LOG}"):  # of workers that had no time to see to it
            remove_made(str(log.parent))
        shutil.rmtree(self._temporary, ignore_errors=True)

    def await_collection(self, seconds: float) -> int | None:
        """Wait until the suite is collected. Returns None, or pytest's exit code if it ended without running anything.

        Raises ServerLost when the server died or took longer than `seconds`.
        """
        deadline = time.monotonic() + seconds
        buffer = b""
        while b"\n" not in buffer:
            self._pause()
            if time.monotonic() > deadline:
                raise ServerLost(f"collecting the tests took longer than {seconds:.0f} s")
            for key, _ in self._selector.select(0.2):
                if key.fileobj is self._control:
                    chunk = self._control.recv(CHUNK_BYTES)
                    if not chunk:
                        self._process.wait()
                        self._drain_stderr()
                        raise ServerLost(f"pytest could not run: {self.stderr_tail() or 'it ended without a word'}")
                    buffer += chunk
                elif key.data is None:
                    self._drain_stderr()
        record = json.loads(buffer)
        if "ended" in record:
            self._drain_stderr()
            return int(record["ended"])
        self.collected, self.errors = record["collected"], record["errors"]
        self.loaded, self.pytest_version = record["loaded"], record["pytest"]
        self._selector.unregister(self._control)
        return None

    def is_repo_written(self) -> bool:
        """Whether the tests have written in the repo, as far as they ran without an edit."""
        root = os.path.realpath(self._plan.root) + os.sep
        return any(path.startswith(root) for path in read_lines(f"{self._temporary}/{JOURNAL}"))

    def stderr_tail(self) -> str:
        return b"".join(self._stderr).decode("utf-8", "replace")[-STDERR_TAIL_BYTES:].strip()

    def idle(self, cold: bool) -> Worker | None:
        return next((w for w in self.workers if w.is_cold is cold and not w.is_busy and not w.is_lost), None)

    def submit(self, worker: Worker, request: dict[str, Any], memory: Any = None, hear: Hear | None = None) -> None:
        """Hand a request to an idle worker. `memory` comes back as `worker.request`; answers go to `hear`."""
        worker.is_busy, worker.request, worker.hear = True, memory, hear
        worker.connection.sendall(json.dumps(request).encode() + b"\n")

    def poll(self, seconds: float) -> list[tuple[Worker, dict[str, Any]]]:
        """Answers that have come in, but for those that somebody hears; waits up to `seconds` for the first. A lost
        worker answers {"done", "lost"}."""
        self._pause()
        answers: list[tuple[Worker, dict[str, Any]]] = []
        for key, _ in self._selector.select(seconds):
            worker = key.data
            if worker is None:
                self._drain_stderr()
                continue
            try:
                chunk = worker.connection.recv(CHUNK_BYTES * 16)
            except ConnectionError:
                chunk = b""
            if not chunk:
                self._selector.unregister(worker.connection)
                worker.is_lost, worker.is_busy = True, False
                self._tell(worker, {"done": True, "lost": True, "fine": 0}, answers)
                continue
            worker.buffer += chunk
            *lines, worker.buffer = worker.buffer.split(b"\n")
            for line in lines:
                record = json.loads(line)
                worker.is_busy = not record.get("done")
                self._tell(worker, record, answers)
        return answers

    def _tell(self, worker: Worker, record: dict[str, Any], answers: list[tuple[Worker, dict[str, Any]]]) -> None:
        if worker.hear is None:
            answers.append((worker, record))
        else:
            worker.hear(worker, record)

    def run(self, request: dict[str, Any], cold: bool = False) -> list[dict[str, Any]]:
        """Run one request to its end on an idle worker. Raises ServerLost when there is none (left)."""
        worker = self.idle(cold)
        if worker is None:
            raise ServerLost("the tests killed the processes that run them")
        self.submit(worker, request)
        records: list[dict[str, Any]] = []
        while worker.is_busy:
            records += [record for origin, record in self.poll(0.2) if origin is worker]
        return records

    def _drain_stderr(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        with contextlib.suppress(BlockingIOError, ValueError):
            chunk = os.read(stream.fileno(), CHUNK_BYTES)
            if chunk:
                self._stderr.append(chunk[-STDERR_TAIL_BYTES:])
            else:
                self._selector.unregister(stream)


def server_environment(temporary: str) -> dict[str, str]:
    """Our own environment, so that nothing is left in the tree and hashes don't change between two runs of a test."""
    return {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "TMPDIR": temporary,
        "HYPOTHESIS_STORAGE_DIRECTORY": f"{temporary}/hypothesis",
    }
