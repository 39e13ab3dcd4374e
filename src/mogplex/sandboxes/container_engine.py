"""podman or docker as a command: how each is called, and what it says about itself and its containers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from mogplex.domain.errors import SandboxError

P = ParamSpec("P")
T = TypeVar("T")
ENGINES = ("podman", "docker")  # the order in which they are looked for
MOST_CALLS = 16  # at once
_CLIENT_SECONDS = 60.0
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_", "DOCKER_", "CONTAINER", "REGISTRY_AUTH_FILE")
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says about itself. `limits`: whether it can hold memory and processes by control groups."""

    version: str
    limits: bool
    rootless: bool


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """How a container ended, by its engine."""

    exit_code: int
    out_of_memory: bool


class ContainerEngine:
    """One engine. Every method blocks, for a tenth of a second or more: call it with `in_thread`."""

    def __init__(self, name: str, executable: str | None = None) -> None:
        """`name`: "podman" or "docker". `executable`: another command with the same options."""
        self.name = name
        self.executable = executable or name
        self._threads = ThreadPoolExecutor(MOST_CALLS, thread_name_prefix=f"mogplex-{name}")

    async def in_thread(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Call what asks the engine, in a thread of the engine's own.

        The loop's threads are for others: calls to an engine that hangs would take them all, and the worker could not
        ask its database any more.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *args, **named))

    @property
    def is_podman(self) -> bool:
        return self.name == "podman"

    def command(self, *arguments: str) -> list[str]:
        """The command line of one call. Raises SandboxError when the engine is not installed."""
        found = shutil.which(self.executable)
        if found is None:
            raise SandboxError(f"{self.executable}: command not found")
        return [*_reset_signals(), found, *(self._podman_options() if self.is_podman else []), *arguments]

    def _podman_options(self) -> list[str]:
        options = []
        if not Path("/run/systemd/system").exists():
            options += ["--cgroup-manager", "cgroupfs"]
        if Path("/sys/fs/cgroup/memory").exists() and (runc := shutil.which("runc")):
            options += ["--runtime", runc]  # crun can't work with control groups of version 1 beside version 2
        return options

    def call(self, *arguments: str, stdin: bytes = b"") -> str:
        """What one call says on stdout. Raises SandboxError with what it says on stderr."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                input=stdin,
                capture_output=True,
                timeout=_CLIENT_SECONDS,
                env=environment(),
                cwd="/",
                start_new_session=True,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise SandboxError(f"{self.name} {arguments[0]}: {error}") from error
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
            raise SandboxError(f"{self.name} {arguments[0]}: {said}")
        return done.stdout.decode(errors="replace")

    def describe(self) -> EngineFacts:
        """Raises SandboxError when it does not answer."""
        told = self._parse(self.call("info", "--format", "{{json .}}"))
        if self.is_podman:
            host = told["host"]
            rootless = bool(host["security"]["rootless"])
            controllers = set(host.get("cgroupControllers") or ())
            limits = not rootless or {"memory", "pids"} <= controllers
            return EngineFacts(told["version"]["Version"], limits, rootless)
        if told.get("ServerErrors"):
            raise SandboxError(f"docker info: {'; '.join(told['ServerErrors'])}")
        rootless = any("rootless" in option for option in told.get("SecurityOptions") or ())
        return EngineFacts(str(told["ServerVersion"]), bool(told["MemoryLimit"] and told["PidsLimit"]), rootless)

    def has_image(self, image: str) -> bool:
        try:
            self.call("image", "inspect", "--format", "{{.Id}}", image)
        except SandboxError as error:
            if "no such image" in error.message.lower() or "not known" in error.message:
                return False
            raise
        return True

    def first_process(self, container: str, pidfile: Path) -> int:
        """The number of its first process on the host; 0 once it has ended. `pidfile`: where podman wrote it."""
        if self.is_podman:
            return int(pidfile.read_text())
        return int(self.call("inspect", "--format", "{{.State.Pid}}", container))

    def read_end(self, container: str) -> ContainerEnd | None:
        """How it ended; None as long as the engine has not noticed that."""
        state = self._parse(self.call("inspect", "--format", "{{json .State}}", container))
        if state["Status"] not in ("exited", "stopped", "dead"):
            return None
        return ContainerEnd(int(state["ExitCode"]), bool(state["OOMKilled"]))

    def list_containers(self, label: str) -> dict[str, str]:
        """Name -> value of the label, of all that bear it."""
        format_ = "{{.Names}}\t{{.Labels}}" if self.is_podman else f'{{{{.Names}}}}\t{{{{.Label "{label}"}}}}'
        lines = self.call("ps", "--all", "--filter", f"label={label}", "--format", format_).splitlines()
        return dict(line.split("\t", 1) for line in lines if "\t" in line)

    def remove(self, *containers: str) -> None:
        """Kill and remove them; those that are gone are no error. Raises SandboxError."""
        try:
            self.call("rm", "--force", *containers)
        except SandboxError as error:
            if "no such container" not in error.message.lower() and "no container with name" not in error.message:
                raise

    def _parse(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise SandboxError(f"{self.name} said something else than JSON: {text[:200]!r}") from error


def find_engine(wanted: str | None) -> ContainerEngine:
    """The engine of this name, else the first one installed; one that is not there says so when it is used."""
    return ContainerEngine(wanted or next((name for name in ENGINES if shutil.which(name)), ENGINES[0]))


def environment() -> dict[str, str]:
    """What a client needs of our variables to find its engine; nothing else of ours goes there."""
    return {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}


def _reset_signals() -> Sequence[str]:
    """A worker started in the background of a script ignores SIGINT, and containers would inherit that."""
    ignored = [number.name for number in _STOP_SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    return ["/usr/bin/env", f"--default-signal={','.join(ignored)}"] if ignored else []
