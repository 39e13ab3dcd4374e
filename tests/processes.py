"""Processes of `mogplex` for tests that start many, without a new interpreter for each.

To start Python and import the server takes a second of CPU, hundreds of times in the whole suite. Here a process is a
copy of one that has imported everything (tests/nursery.py). It runs the command's own `main` with arguments, an
environment, a folder and descriptors of its own; but /proc shows the nursery's command line and first environment, and
what Python itself reads from the environment was read before. Tests that are about those start an interpreter.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.nursery import ORDER_BYTES

ROOT = Path(__file__).parents[1]


class Process:
    """What tests use of `subprocess.Popen`. `pid` is no child of ours: its end is told."""

    def __init__(self, pid: int, told: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._told = told

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or minus the signal that ended it. Raises subprocess.TimeoutExpired."""
        ended = self._look(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired("mogplex", timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], seconds)[0]:
            self.returncode = int(self._told.recv(64))
            self._told.close()
        return self.returncode


_one_at_a_time = threading.Lock()  # an order and its answer belong together


@functools.cache
def _nursery() -> socket.socket:
    """One for this process, which ends when the socket does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.nursery", str(theirs.fileno())],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    atexit.register(_close_nursery, process, ours)
    return ours


def _close_nursery(process: subprocess.Popen[bytes], channel: socket.socket) -> None:
    channel.close()
    process.wait(60)


def start(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdin: IO[Any],
    stdout: IO[Any],
    stderr: IO[Any],
    directory: Path | str = ROOT,
) -> Process:
    """Run `mogplex` with these arguments. The files need descriptors."""
    order = {"arguments": list(arguments), "environment": dict(environment), "directory": str(directory)}
    told, teller = socket.socketpair()
    data = json.dumps(order).encode()
    assert len(data) < ORDER_BYTES
    with teller, _one_at_a_time:
        channel = _nursery()
        files = (stdin, stdout, stderr)
        socket.send_fds(channel, [data], [*(each.fileno() for each in files), teller.fileno()])
        pid = channel.recv(64)
    assert pid, "the nursery is gone"
    return Process(int(pid), told)


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdin: str = "",
    timeout_seconds: float = 120,
    directory: Path | str = ROOT,
) -> subprocess.CompletedProcess[str]:
    """Start, wait, and give what it printed. Raises subprocess.TimeoutExpired, when it is killed."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        process = start(arguments, environment=environment, stdin=given, stdout=out, stderr=err, directory=directory)
        try:
            code = process.wait(timeout_seconds)
        finally:
            process.kill()
        texts = []
        for each in (out, err):
            each.seek(0)
            texts.append(each.read().decode())
    return subprocess.CompletedProcess(["mogplex", *arguments], code, *texts)
