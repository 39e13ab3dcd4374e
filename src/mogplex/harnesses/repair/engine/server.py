"""The process that holds the collected suite, and the workers forked from it. Tests run only in their children.

Its settings come as one JSON object on stdin: {"root", "files", "paths", "arguments", "warm": [fds], "cold": [fds],
"control": fd, "collect_cpu_seconds", "overlay", "shelf": [folder, since], "temporary"}.

Every worker reads requests (a JSON object a line) from its socket and answers each with lines, the last one with
"done". It forks a child per request, relays what the child says, and kills the child's process group when the child has
been silent for too long.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

from . import foreign, limits
from .bytecode import Shelf
from .overlay import overlay, spare_overlaid
from .safekeeping import JOURNAL, Safekeeping, remove_made
from .suite import Batch, Emit, SuitePlugin, pytest_arguments
from .swap import CodeIndex
from .tryout import import_late, screen

Execute = Callable[[dict[str, Any], Emit, str], dict[str, Any]]
CHUNK_BYTES = 1 << 16
MAX_LINE_BYTES = 64 * 1024**2
COLD_NICENESS = 5  # an import takes as long as hundreds of edits without one: those come first
STARVED_FACTOR = 4  # so many times longer may a child be silent that gets little CPU time
WAITING_SHARE = 0.02  # of the time: who uses less CPU time than that is waiting for something


class Server:
    """One server process. `settings` are the supervisor's, see the module's docstring."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.root: str = settings["root"]
        self.files = set(settings["files"])
        self.paths: list[str] = settings["paths"]
        self.arguments: list[str] = settings["arguments"]
        self.cold_seconds: float = settings["collect_cpu_seconds"]
        self._settings = settings
        self._control = socket.socket(fileno=settings["control"])
        self._open: list[int] = [*settings["warm"], *settings["cold"]]

    def run(self) -> int:
        Shelf(self._settings["shelf"][0], os.path.realpath(self.root), self._settings["shelf"][1]).open()
        spare_overlaid(AssertionRewritingHook)
        for text_path, text in self._settings.get("overlay", {}).items():
            overlay(text_path, text)
        for place in reversed(self.paths):
            if place not in sys.path:
                sys.path.insert(0, place)
        os.chdir(self.root)
        for fd in self._settings["cold"]:
            self._fork_worker(fd, self._execute_cold, COLD_NICENESS)
        plugin = SuitePlugin(self._on_collected)
        code = int(pytest.main([*pytest_arguments(self.root), *self.arguments], plugins=[plugin, foreign]))
        self._tell({"ended": code})
        return 0

    def _on_collected(self, plugin: SuitePlugin, session: Any) -> None:
        items = {item.nodeid: item for item in session.items}
        index = CodeIndex(self.files)
        session.config.option.tbstyle = "native"  # a report costs a tenth then; only its last line is ever read
        gc.collect()
        gc.freeze()  # children share these pages; a collection in a child would copy them all

        def execute(request: dict[str, Any], emit: Emit, directory: str) -> dict[str, Any]:
            limits.use_private_temp(directory, session.config)
            keeping = self._keep(request, directory)
            if request.get("full"):
                gc.unfreeze()  # what a test may ask the collector it has to hear: this run is pytest's own verdict
            chosen = [items[test] for test in request["tests"] if test in items]
            with keeping.turn():
                ran = import_late(chosen, request, index, plugin)
            if request.get("under") and not index.build_on(request["under"]):
                return {"done": True, "cold": True, "fine": 0}
            if request.get("batch"):
                return screen(chosen, request, index, emit, plugin, keeping, {} if request.get("under") else ran)
            edit = request.get("edit")
            if edit and edit.get("code"):
                if index.apply(edit) is None:
                    return {"done": True, "cold": True, "fine": 0}
            elif edit:
                overlay(edit["path"], edit["text"])
            with keeping.turn():
                result = Batch(request, plugin, emit, self.root, self.files).run(items)
            return result if index.is_whole or "failed" not in result else {**result, "cold": True}

        for fd in self._settings["warm"]:
            self._fork_worker(fd, execute)
        loaded = {os.path.realpath(path) for path in _module_files()}
        self._tell({
            "collected": [{"id": item.nodeid, "file": os.path.realpath(str(item.fspath))} for item in session.items],
            "errors": plugin.collect_errors,
            "loaded": sorted(loaded & self.files),
            "pytest": pytest.__version__,
        })  # fmt: skip
        self._control.recv(1)  # returns when the supervisor closes its end, or dies

    def _execute_cold(self, request: dict[str, Any], emit: Emit, directory: str) -> dict[str, Any]:
        """Import and collect afresh, with the edited text in place of the file, then run the batch."""
        edit = request.get("edit")
        keeping = self._keep(request, directory)
        if edit:
            overlay(edit["path"], edit["text"])
        answer: dict[str, Any] = {"done": True, "fine": 0, "failed": "", "outcome": "error", "message": ""}

        def on_collected(plugin: SuitePlugin, session: Any) -> None:
            limits.disarm()
            limits.use_private_temp(directory, session.config)
            wanted = set(request.get("clean_files", []))
            bad = [error for error in plugin.collect_errors if error["id"] in wanted]
            if bad:
                answer.update(failed=bad[0]["id"], message=bad[0]["text"])
                return
            items = {item.nodeid: item for item in session.items}
            added = [test for test in items if test.split("::")[0] in wanted and test not in request["tests"]]
            request["tests"] = request["tests"] + added
            request["cpu_seconds"] = request["cpu_seconds"] + [self.cold_seconds] * len(added)
            batch = Batch(request, plugin, emit, self.root, self.files)
            answer.clear()
            with keeping.turn():
                answer.update(batch.run(items))

        limits.arm(self.cold_seconds)
        files = sorted({test.split("::")[0] for test in request["tests"]} | set(request.get("clean_files", [])))
        options = [argument for argument in self.arguments if argument.startswith("-")]
        pytest.main([*pytest_arguments(self.root), *options, *files], plugins=[SuitePlugin(on_collected), foreign])
        return answer

    def _keep(self, request: dict[str, Any], directory: str) -> Safekeeping:
        is_edited = any(request.get(name) for name in ("under", "batch", "edit"))
        temporary, shelf = self._settings["temporary"], self._settings["shelf"][0]
        keeping = Safekeeping([temporary, directory, shelf], f"{temporary}/{JOURNAL}", directory, self.root, is_edited)
        keeping.begin()
        return keeping

    def _fork_worker(self, fd: int, execute: Execute, niceness: int = 0) -> None:
        if os.fork() == 0:
            code = 1
            try:
                os.nice(niceness)
                for other in {self._control.fileno(), *self._open} - {fd}:
                    os.close(other)  # else the supervisor would not notice the end of another worker
                serve(socket.socket(fileno=fd), execute)
                code = 0
            finally:
                os._exit(code)  # never return into pytest's own frames
        os.close(fd)
        self._open.remove(fd)

    def _tell(self, record: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(record).encode() + b"\n")


def _module_files() -> list[str]:
    return [path for module in list(sys.modules.values()) if isinstance(path := getattr(module, "__file__", None), str)]


def serve(connection: socket.socket, execute: Execute) -> None:
    """Answer requests until the other end closes."""
    directory = tempfile.mkdtemp(prefix="repair-")
    try:
        with connection, connection.makefile("rb") as requests:
            for line in requests:
                request = json.loads(line)
                for answer in attend(request, execute, connection.fileno(), directory):
                    connection.sendall(answer + b"\n")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def attend(request: dict[str, Any], execute: Execute, private_fd: int, directory: str) -> Iterator[bytes]:
    """Run one request in a child; yields its lines, and always a last one with "done"."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(private_fd)
        os.close(reader)
        _be_child(request, execute, writer, directory)
    os.close(writer)
    whole = False
    silent = False
    try:
        buffer = b""
        while not whole:
            ready = _await_word(reader, pid, request["quiet_seconds"])
            chunk = os.read(reader, CHUNK_BYTES) if ready else b""
            if not chunk or len(buffer) > MAX_LINE_BYTES:
                silent = not ready
                break
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                if not _is_record(line):
                    continue  # the code under test wrote to a descriptor that isn't its own
                yield line
                whole = whole or b'"done": true' in line
    finally:
        os.close(reader)
        code = _end_child(pid, wait=not whole and not silent)
        if os.listdir(directory):  # noqa: PTH208  a set of names is all we need
            remove_made(directory)
            shutil.rmtree(directory, ignore_errors=True)
            os.makedirs(directory, exist_ok=True)  # noqa: PTH103
    if not whole:
        yield json.dumps({"done": True, "fine": 0, "died": True, "silent": silent, "code": code}).encode()


def _await_word(reader: int, pid: int, seconds: float) -> bool:
    """Whether the child says something. A silence of `seconds` is too long for one that waits, or that had as much CPU
    time; one that was given less of it by a busy machine has a few times longer."""
    before = limits.cpu_seconds_of(pid)
    last = before
    for _ in range(STARVED_FACTOR):
        ready, _, _ = select.select([reader], [], [], seconds)
        if ready:
            return True
        now = limits.cpu_seconds_of(pid)
        if now - before >= seconds or now - last < seconds * WAITING_SHARE:
            return False
        last = now
    return False


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _be_child(request: dict[str, Any], execute: Execute, writer: int, directory: str) -> None:
    """Never returns."""
    try:
        os.setsid()
        limits.end_with_parent()
        limits.keep_niceness()
        limits.cap_memory()
        limits.use_private_temp(directory)
        record = execute(request, lambda line: _write(writer, line), directory)
        limits.disarm()
        _write(writer, record)
    except BaseException as error:  # noqa: BLE001  whatever the code under test raised at the wrong time is this candidate's failure
        limits.disarm()
        _write(writer, {"done": True, "fine": 0, "failed": "", "outcome": "error", "message": repr(error)[:500]})
    finally:
        os._exit(0)


def _write(fd: int, record: dict[str, Any]) -> None:
    data = json.dumps(record).encode() + b"\n"
    while data:
        data = data[os.write(fd, data) :]


def _end_child(pid: int, wait: bool) -> int:
    """Kill the child with its whole process group (it may have started others) and collect it. Returns its exit status.

    `wait` gives a child that closed its pipe by itself a moment to end, so that its own status is seen.
    """
    ended, status = 0, 0
    deadline = time.monotonic() + 0.05
    while wait and not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if not ended:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return status


def main() -> int:
    settings = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["pytest"]
    return Server(settings).run()
