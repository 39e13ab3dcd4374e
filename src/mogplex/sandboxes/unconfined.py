"""No sandbox at all: the command runs as an ordinary process that sees the host, its files and its network.

For machines that are themselves thrown away after the job. It must be asked for by name. Nothing is mounted: where the
spec names a mount target in its command, environment or directory, the host path is put instead, and a target below
the home is linked into the private home. Mounts are therefore never read-only, and the text of stdin is left as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from socket import socket

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Probe, SandboxExit, SandboxSpec
from mogplex.sandboxes import reaper
from mogplex.sandboxes.arguments import HOME, PRLIMIT, build_environment, build_limits, check_spec, refuse_image
from mogplex.sandboxes.census import sum_cpu
from mogplex.sandboxes.handle import ProcessHandle
from mogplex.sandboxes.output import OutputPipe
from mogplex.sandboxes.runner import Runner

_ENFORCED = {
    "isolation": "none",
    "wall_seconds": "timer",
    "memory_bytes": "rlimit",  # of each process, not of all together
    "processes": "none",  # the kernel counts them per user, not per command
    "open_files": "rlimit",
    "file_bytes": "rlimit",
    "disk_bytes": "none",
    "tmp_bytes": "none",
    "cpu_cores": "none",
}
_REAP_SECONDS = 5.0  # for the reaper to kill everything, before it is killed itself


class UnconfinedProcess:
    """A command and its descendants, held by a reaper process (see `reaper.py`)."""

    def __init__(
        self, name: str, popen: subprocess.Popen[bytes], pipes: tuple[OutputPipe, OutputPipe], report: int, room: Path
    ) -> None:
        self.stdout, self.stderr = pipes
        self.enforced: Mapping[str, str] = _ENFORCED
        self.listeners: Mapping[int, socket] = {}
        self._popen = popen
        self._report = report
        self._room = room
        self._reaper = ProcessHandle(popen.pid)
        self._cause: str | None = None
        self._started_at = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._timers: list[asyncio.TimerHandle] = []
        self._ending = asyncio.create_task(self._see_to_end(), name=f"unconfined {name}")

    def limit_wall(self, wall_seconds: float) -> None:
        self._timers.append(self._loop.call_later(wall_seconds, self._end, "wall_clock"))

    def cpu_seconds(self) -> float | None:
        """Of the processes that are still in the session of the command."""
        return None if self._ending.done() else sum_cpu(_list_session(self._popen.pid))

    def interrupt(self) -> None:
        """SIGINT to the command, by way of the reaper."""
        if not self._ending.done():
            self._reaper.send(signal.SIGINT)

    def kill(self) -> None:
        """End the command and all its descendants."""
        self._end("caller")

    async def wait(self) -> SandboxExit:
        """Return once the command and its descendants are gone."""
        return await asyncio.shield(self._ending)

    def _end(self, cause: str) -> None:
        if self._ending.done() or self._cause is not None:
            return
        self._cause = cause
        self._reaper.send(signal.SIGTERM)
        self._timers.append(self._loop.call_later(_REAP_SECONDS, self._reaper.send, signal.SIGKILL))

    async def _see_to_end(self) -> SandboxExit:
        try:
            await self._reaper.wait_exit()
            self._popen.wait()
            wall_seconds = time.monotonic() - self._started_at
            left = await asyncio.to_thread(_kill_session, self._popen.pid)
            await asyncio.to_thread(shutil.rmtree, self._room, ignore_errors=True)
            words = os.read(self._report, 4096).split()
            status, cpu_seconds, peak = (int(words[0]), float(words[1]), int(words[2])) if words else (-1, 0.0, None)
            if status >= 0:
                self._cause = None  # it had ended before the kill
            elif self._cause is None:
                self._cause = "lost"
            code = None if status < 0 else os.waitstatus_to_exitcode(status)
            return SandboxExit(
                exit_code=128 - code if code is not None and code < 0 else code,
                killed_by=self._cause,
                wall_seconds=wall_seconds,
                cpu_seconds=cpu_seconds,
                peak_memory_bytes=None if peak is None else peak * 1024,
                processes_left=left,
            )
        except asyncio.CancelledError:  # the loop is shutting down
            self._reaper.send(signal.SIGTERM)
            raise
        finally:
            for timer in self._timers:
                timer.cancel()
            os.close(self._report)
            self._reaper.close()


class UnconfinedDriver:
    """Starts commands without isolation, as `runner` when this process is root."""

    name = "unconfined"
    can_listen = False  # there is no network of its own to listen in: the command sees the host's

    def __init__(self, runner: Runner | None = None) -> None:
        self.runner = runner or Runner.detect()

    async def probe(self) -> Probe:
        facts = {"uid": str(self.runner.uid)} | {f"limit.{name}": means for name, means in _ENFORCED.items()}
        try:
            process = await self.start(SandboxSpec("probe", ("/usr/bin/true",), directory="/"))
        except SandboxError as error:
            return Probe(False, error.message, "apt-get install util-linux", facts)
        try:
            ending = await process.wait()
        finally:
            process.kill()
        if ending.exit_code != 0:
            return Probe(False, f"`true` ended with {ending.exit_code}", None, facts)
        return Probe(True, "works, WITHOUT any isolation: commands see this host and its network", None, facts)

    async def start(self, spec: SandboxSpec) -> UnconfinedProcess:
        """Start `spec`; the caller ends it with `kill()` in a `finally`. Raises SandboxError."""
        check_spec(spec)
        refuse_image(spec, self.name)
        if spec.listeners:
            raise SandboxError(
                f"Cannot listen for {spec.name!r} unconfined: it has no network of its own. Use the driver bubblewrap."
            )
        room = self._make_room(spec)
        try:
            process = self._launch(spec, room)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            shutil.rmtree(room, ignore_errors=True)
            raise SandboxError(f"Cannot start {spec.name!r} unconfined: {error}") from error
        process.limit_wall(spec.limits.wall_seconds)
        return process

    def _make_room(self, spec: SandboxSpec) -> Path:
        """A private folder for home and temporary files, owned by the runner."""
        room = Path(tempfile.mkdtemp(prefix="mogplex-unconfined-"))
        home = room / "home"
        for folder in (home, room / "tmp"):
            folder.mkdir(mode=0o700)
        for mount in spec.mounts:
            if mount.target.startswith(HOME + "/"):
                link = home / mount.target.removeprefix(HOME + "/")
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(mount.source)
        if self.runner.drops:
            for path in (room, *room.rglob("*")):
                os.chown(path, self.runner.uid, self.runner.gid, follow_symlinks=False)
        return room

    def _launch(self, spec: SandboxSpec, room: Path) -> UnconfinedProcess:
        places = {HOME: str(room / "home"), **{mount.target: str(mount.source) for mount in spec.mounts}}
        environment = {**build_environment(spec), "TMPDIR": str(room / "tmp"), **spec.environment}
        with contextlib.ExitStack() as stack:
            stdout, stderr = OutputPipe(), OutputPipe()
            stack.callback(stdout.detach)
            stack.callback(stderr.detach)
            report, report_end = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(report, False)
            stack.callback(os.close, report_end)
            stdin = stack.enter_context(tempfile.TemporaryFile())
            stdin.write(spec.stdin)
            stdin.seek(0)
            python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
            source = Path(reaper.__file__).read_text()
            try:
                popen = subprocess.Popen(
                    [
                        *(python, "-I", "-S", "-c", source, str(os.getpid()), str(report_end), str(room)),
                        *(PRLIMIT, *(o for o in build_limits(spec.limits, True) if not o.startswith("--nproc")), "--"),
                        *(translate(argument, places) for argument in spec.argv),
                    ],
                    env={name: translate(value, places) for name, value in environment.items()},
                    cwd=translate(spec.directory, places),
                    stdin=stdin,
                    stdout=stdout.write_fd,
                    stderr=stderr.write_fd,
                    pass_fds=(report_end,),
                    start_new_session=True,
                    umask=0o022,
                    **self.runner.popen_arguments(),
                )
            except BaseException:
                os.close(report)
                stdout.close()
                stderr.close()
                raise
        return UnconfinedProcess(spec.name, popen, (stdout, stderr), report, room)


def translate(text: str, places: Mapping[str, str]) -> str:
    """`text` with every path that starts with a key of `places` moved to its value."""
    targets = "|".join(re.escape(target) for target in sorted(places, key=len, reverse=True))
    return re.sub(rf"(?<![\w./-])(?:{targets})(?![\w.-])", lambda match: places[match.group()], text)


def _kill_session(leader: int) -> int:
    """End what is still in the reaper's session; only there when somebody killed the reaper. Returns how many."""
    left = 0
    for pid in _list_session(leader):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            left += 1
    return left


def _list_session(leader: int) -> list[int]:
    """The live processes of a session."""
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
            if int(fields[3]) == leader and fields[0] not in (b"Z", b"X"):
                found.append(int(entry.name))
    return found
