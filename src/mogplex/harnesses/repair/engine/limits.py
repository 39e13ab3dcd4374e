"""Limits of one child process: CPU time per test, memory, and its own place for temporary files."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import tempfile
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPEAT_SECONDS = 0.05  # code under test may swallow the first interruption in a bare `except:`
CPU_FACTOR = 4.0  # a test may take so many times what it is known to take, beyond the least that every test gets
DEADLY_SIGNAL = signal.SIGVTALRM
DEADLY_SECONDS = 0.2  # beyond twice the limit
DATA_BYTES = 512 * 1024**2  # what a child may allocate beyond the server it was forked from
STACK_BYTES = 2 * 1024**2  # of a thread: all of it counts as allocated, and some tests start a hundred
PR_SET_PDEATHSIG = 1  # of prctl(2)


class TimeLimit(KeyboardInterrupt):
    """The test used up its CPU time. No Exception, so that `except Exception` in code under test lets it pass; nor any
    other than this one, which alone a unittest's subtests let pass: a test may have thousands of them."""


_reached = False


def _raise_time_limit(number: int, frame: types.FrameType | None) -> None:
    global _reached
    _reached = True
    raise TimeLimit


def end_with_parent() -> None:
    """Have this process killed when the worker that forked it is."""
    with contextlib.suppress(OSError, AttributeError):  # no Linux: the sandbox ends it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def is_reached() -> bool:
    """Whether the limit was, since it was last armed: what runs subtests, say, makes a failure like others of it."""
    return _reached


def arm(cpu_seconds: float, *, is_deadly: bool = False) -> None:
    """Interrupt this process after that much CPU time, and again soon after.

    `is_deadly`: end it (by DEADLY_SIGNAL) when that does not help for as long again: a long loop in C, `sum(range(n))`
    for example, is not interrupted. Not to be used together with `call_after`.
    """
    global _reached
    _reached = False
    signal.signal(signal.SIGPROF, _raise_time_limit)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds, REPEAT_SECONDS)
    if is_deadly:
        signal.signal(DEADLY_SIGNAL, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_VIRTUAL, 2 * cpu_seconds + DEADLY_SECONDS)


def disarm() -> None:
    """Neither interrupt nor end this process any more."""
    signal.setitimer(signal.ITIMER_PROF, 0)
    if signal.getsignal(DEADLY_SIGNAL) is signal.SIG_DFL:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


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


def keep_niceness() -> None:
    """Linux shares the processor among sessions, if it is set up so, and niceness counts within one only: let the new
    session be as nice as this process (sched(7), "The autogroup feature")."""
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:  # noqa: PTH123  the same
        group.write(str(os.nice(0)))  # where it can't be told, it is shared as before


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
        threading.stack_size(STACK_BYTES)


def use_private_temp(directory: str, config: Any = None) -> None:
    """Send temporary files of this process, and pytest's `tmp_path`, to `directory` (made on first use by pytest)."""
    os.environ["TMPDIR"] = directory
    tempfile.tempdir = directory
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is not None:  # else every child would number a folder of its own under one shared parent, and lock it
        factory._basetemp = None
        factory._given_basetemp = Path(directory) / "pytest"
