"""Control groups: limits on what all processes of one sandbox use together, where this process may make groups.

Version 2 needs a group of our own with the controllers delegated (a systemd unit with `Delegate=yes`). Version 1 is
used where the kernel still has it mounted writable. Group names say which process made them, so that the next one can
sweep what a killed worker left.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Limits

PREFIX = "mogplex-"
SUPERVISOR = "mogplex-supervisor"  # where the worker itself moves: version 2 wants processes in leaves only
_PERIOD_MICROSECONDS = 100_000
_REMOVE_SECONDS = 2.0  # an ended process leaves its group a little later
_counter = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a group used. Memory includes the page cache of files it read and wrote."""

    cpu_seconds: float | None
    peak_memory_bytes: int | None
    out_of_memory: int  # how many processes the kernel killed for it


class Group:
    """The group of one sandbox: one folder in version 2, one per controller in version 1."""

    def __init__(self, folders: Mapping[str, Path], version: int) -> None:
        self._folders = dict(folders)
        self._version = version

    def _each(self) -> list[Path]:
        return list(dict.fromkeys(self._folders.values()))

    def limit(self, limits: Limits) -> None:
        """Write the limits. Raises SandboxError when the kernel refuses one."""
        try:
            if self._version == 2:
                self._limit_unified(self._folders["memory"], limits)
            else:
                self._limit_split(limits)
        except OSError as error:
            raise SandboxError(f"Cannot set the limits of a control group: {error}.") from error

    def _limit_unified(self, folder: Path, limits: Limits) -> None:
        _write(folder / "memory.max", limits.memory_bytes)
        _write(folder / "memory.oom.group", 1)
        with contextlib.suppress(FileNotFoundError):  # no swap accounting in this kernel
            _write(folder / "memory.swap.max", 0)
        _write(folder / "pids.max", limits.processes)
        if limits.cpu_cores is not None and "cpu" in self._folders:
            _write(folder / "cpu.max", f"{int(limits.cpu_cores * _PERIOD_MICROSECONDS)} {_PERIOD_MICROSECONDS}")

    def _limit_split(self, limits: Limits) -> None:
        if "memory" in self._folders:
            _write(self._folders["memory"] / "memory.limit_in_bytes", limits.memory_bytes)
            with contextlib.suppress(FileNotFoundError):  # no swap accounting in this kernel
                _write(self._folders["memory"] / "memory.memsw.limit_in_bytes", limits.memory_bytes)
        if "pids" in self._folders:
            _write(self._folders["pids"] / "pids.max", limits.processes)
        if limits.cpu_cores is not None and "cpu" in self._folders:
            _write(self._folders["cpu"] / "cpu.cfs_period_us", _PERIOD_MICROSECONDS)
            _write(self._folders["cpu"] / "cpu.cfs_quota_us", int(limits.cpu_cores * _PERIOD_MICROSECONDS))

    def add(self, pid: int) -> None:
        """Move one process; what it forks later stays with it. Blocks for some 10 ms: call it in a thread.

        Raises SandboxError, also when the process has ended.
        """
        for folder in self._each():
            try:
                _write(folder / "cgroup.procs", pid)
            except OSError as error:
                raise SandboxError(f"Cannot move process {pid} into {folder}: {error}.") from error

    def members(self) -> list[int]:
        """The processes in the group now."""
        found: set[int] = set()
        for folder in self._each():
            with contextlib.suppress(OSError):  # removed, or the controller's device is gone: nobody is in it
                found.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
        return sorted(found)

    def count_out_of_memory(self) -> int:
        """How many processes the kernel has killed because the group was over its memory."""
        folder = self._folders.get("memory")
        if folder is None:
            return 0
        name = "memory.events" if self._version == 2 else "memory.oom_control"
        return _read_table(folder / name).get("oom_kill", 0)

    def usage(self) -> Usage:
        cpu: float | None = None
        peak: int | None = None
        if self._version == 2:
            cpu = _read_table(self._folders["memory"] / "cpu.stat").get("usage_usec", 0) / 1e6
            peak = _read_number(self._folders["memory"] / "memory.peak")  # missing before kernel 5.19
        else:
            if "cpuacct" in self._folders:
                cpu = (_read_number(self._folders["cpuacct"] / "cpuacct.usage") or 0) / 1e9
            if "memory" in self._folders:
                peak = _read_number(self._folders["memory"] / "memory.max_usage_in_bytes")
        return Usage(cpu, peak, self.count_out_of_memory())

    def remove(self) -> None:
        """Kill whatever is left in the group and remove it. Blocks until that is done, at most some seconds."""
        deadline = time.monotonic() + _REMOVE_SECONDS
        for folder in self._each():
            while True:
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        break  # the next worker's sweep gets it
                    _kill_all(self.members())
                    time.sleep(0.002)
                else:
                    break


def name_group() -> str:
    """A name that says who made the group: this process's number and start time, and a counter."""
    return f"{PREFIX}{os.getpid()}-{_start_ticks(os.getpid())}-{next(_counter)}"


def is_orphan(name: str) -> bool:
    """Whether a group of this name belongs to a process that no longer exists."""
    parts = name.removeprefix(PREFIX).split("-")
    if not name.startswith(PREFIX) or len(parts) != 3 or not all(part.isdigit() for part in parts):
        return False
    return _start_ticks(int(parts[0])) != int(parts[1])


def _start_ticks(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _write(path: Path, value: int | str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)  # never creates: these files are the kernel's
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def _read_number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return None


def _read_table(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {name: int(value) for name, _, value in (line.partition(" ") for line in lines)}
