"""Runs a command: bounded in time, its output cut in the middle, and nothing of it left when it is over."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time

from .interruption import Held

DEFAULT_SECONDS = 120.0
LONGEST_SECONDS = 1800.0
READ_BYTES = 64 * 1024
LINGER_SECONDS = 0.3  # for output of children that outlive the command


class Ran:
    """How a command ended. `exit_code` is None when its time was up."""

    def __init__(self, exit_code: int | None, output: str, seconds: float) -> None:
        self.exit_code = exit_code
        self.output = output
        self.seconds = seconds


class Capture:
    """The first and the last part of an output; the middle is counted, not kept."""

    def __init__(self, limit_bytes: int) -> None:
        self._head_bytes = limit_bytes // 3
        self._tail_bytes = limit_bytes - self._head_bytes
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, chunk: bytes) -> None:
        room = self._head_bytes - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        too_many = len(self._tail) - self._tail_bytes
        if too_many > 0:
            self._left_out += too_many
            del self._tail[:too_many]

    def text(self) -> str:
        middle = f"\n… [{self._left_out:,} bytes left out] …\n".encode() if self._left_out else b""
        return (bytes(self._head) + middle + bytes(self._tail)).decode("utf-8", "replace").replace("\0", "\\0")


class Shell:
    """Runs one command at a time. `stop()` ends the one that runs."""

    def __init__(self, output_bytes: int) -> None:
        self._output_bytes = output_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._program = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"

    def run(self, command: str, timeout_seconds: float = DEFAULT_SECONDS) -> Ran:
        """Run `command` in a process group of its own, which is killed at the end, whatever is left in it."""
        return self.run_program([self._program, "-c", command], timeout_seconds)

    def run_program(self, argv: list[str], timeout_seconds: float) -> Ran:
        """Raises OSError when the program can't be started."""
        begun = time.monotonic()
        with Held():  # else a command could run of which we know nothing
            process = self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
            )
        capture = Capture(self._output_bytes)
        try:
            in_time = self._drain(process, capture, begun + timeout_seconds)
        finally:
            self.stop()
        exit_code = process.returncode if in_time else None
        return Ran(exit_code, capture.text(), time.monotonic() - begun)

    def stop(self) -> None:
        """Kill what runs, with its whole process group."""
        with Held():
            process, self._process = self._process, None
            if process is None:
                return
            with contextlib.suppress(ProcessLookupError):  # everything in it may have ended
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _drain(self, process: subprocess.Popen[bytes], capture: Capture, deadline: float) -> bool:
        """Read until the output ends, the command has ended or its time is up (then False)."""
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        ended_at: float | None = None
        while True:
            now = time.monotonic()
            if now >= deadline:
                return False
            # A child in the background may hold the pipe open for ever; then the command's own end counts.
            if ended_at is None and process.poll() is not None:
                ended_at = now
            if ended_at is not None and now - ended_at > LINGER_SECONDS:
                return True
            ready, _, _ = select.select([descriptor], [], [], min(0.1, deadline - now))
            if not ready:
                continue
            chunk = os.read(descriptor, READ_BYTES)
            if not chunk:
                return self._await_end(process, deadline)
            capture.add(chunk)

    def _await_end(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True
