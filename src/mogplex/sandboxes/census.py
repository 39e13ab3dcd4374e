"""Who is in a PID namespace, seen from outside, and what they use."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def list_members(namespace: int) -> list[int]:
    """Host numbers of the live processes whose PID namespace has this inode number. Zombies are not counted."""
    found = []
    for name in _list_numbers():
        # A process may end between the listing and the look; one of another user can't be looked at, and isn't ours.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if Path(f"/proc/{name}/ns/pid").stat().st_ino == namespace and is_alive(int(name)):
                found.append(int(name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie: one that only waits for its parent to take note of its end."""
    return _read_status(pid).get("State", "Z")[0] not in "ZX"


def find_command(first_pid: int) -> int | None:
    """The sandbox's command: the child of its first process that is number 2 inside. None when it has ended."""
    for name in _list_numbers():
        status = _read_status(int(name))
        if status.get("PPid") == str(first_pid) and status.get("NSpid", "").split()[-1:] == ["2"]:
            return int(name)
    return None


def list_children(parent_pid: int) -> list[int]:
    """Host numbers of the children of a process, zombies included."""
    return [int(name) for name in _list_numbers() if _read_status(int(name)).get("PPid") == str(parent_pid)]


def kill_orphans(uid: int) -> int:
    """End first processes of our sandboxes that have lost their bwrap; returns how many there were.

    A millisecond or two pass after its birth before bwrap takes its first process along. A worker killed in that moment
    leaves it behind, nearly always blocked before it did anything; a keeper calls this then, and the next worker.
    """
    killed = 0
    for name in _list_numbers():
        pid = int(name)
        status = _read_status(pid)
        inside = status.get("NSpid", "").split()[1:]
        if status.get("Uid", "").split()[:1] != [str(uid)] or inside[-1:] != ["1"]:
            continue
        if _is_ours(pid) and not _is_ours(int(status["PPid"])):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    return killed


def _is_ours(pid: int) -> bool:
    """Whether the command line is the one `bubblewrap.py` gives: bwrap --args N -- prlimit …"""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return words[0].endswith(b"bwrap") and words[1:2] == [b"--args"] and words[3:5] == [b"--", b"/usr/bin/prlimit"]


def sum_memory(pids: Iterable[int]) -> int:
    """Anonymous and shared memory of the processes in bytes; blind to memory files written with write()."""
    total = 0
    for pid in pids:
        status = _read_status(pid)
        total += sum(int(status.get(name, "0 kB").split()[0]) for name in ("RssAnon", "RssShmem"))
    return total * 1024


def sum_cpu(pids: Iterable[int]) -> float:
    """CPU seconds of the processes and of the children they have waited for."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime
    return ticks / _TICKS_PER_SECOND


def _list_numbers() -> list[str]:
    return [entry.name for entry in os.scandir("/proc") if entry.name.isdigit()]


def _read_status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()  # names are bytes
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
