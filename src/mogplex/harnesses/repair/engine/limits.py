"""Limits of one child process: CPU time per test, memory, and its own place for temporary files."""

from __future__ import annotations

import os
import resource
import signal
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPEAT_SECONDS = 0.05  # code under test may swallow the first interruption in a bare `except:`
DATA_BYTES = 512 * 1024**2  # what a candidate may allocate beyond the server it was forked from


class TimeLimit(BaseException):
    """The test used up its CPU time. Not an Exception, so that `except Exception` in code under test lets it pass."""


def _raise_time_limit(number: int, frame: types.FrameType | None) -> None:
    raise TimeLimit


def arm(cpu_seconds: float) -> None:
    """Interrupt this process after that much CPU time, and again soon after."""
    signal.signal(signal.SIGPROF, _raise_time_limit)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds, REPEAT_SECONDS)


def disarm() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)


def cpu_seconds_of(pid: int) -> float:
    """CPU time that a process has used; 0.0 when that can't be told."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123  often asked for: no Path made
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def call_after(cpu_seconds: float | None, action: Callable[[], None]) -> None:
    """Call something once this process has used so much CPU time, in the midst of whatever runs then; None: never.

    A clock of its own beside that of `arm`. A second call takes the place of the first.
    """
    signal.signal(signal.SIGVTALRM, lambda number, frame: action())
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds or 0.0)


def cap_memory() -> None:
    """Cap the private memory of this process. RLIMIT_DATA, since RLIMIT_AS also counts what is only mapped."""
    used = 0
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  the same
            used = int(statm.read().split()[5]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        used = 512 * 1024**2  # no /proc here: assume a large server rather than none
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = used + DATA_BYTES
    if hard == resource.RLIM_INFINITY or hard > limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def use_private_temp(directory: str, config: Any = None) -> None:
    """Send temporary files of this process, and pytest's `tmp_path`, to `directory` (made on first use by pytest)."""
    os.environ["TMPDIR"] = directory
    tempfile.tempdir = directory
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is not None:  # else every child would number a folder of its own under one shared parent, and lock it
        factory._basetemp = None
        factory._given_basetemp = Path(directory) / "pytest"
