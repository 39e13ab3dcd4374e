"""What the sandbox tests share: a folder that the runner can reach, and one call that runs a command to its end."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mogplex.domain.ports import Limits, Mount, SandboxDriver, SandboxExit, SandboxSpec

PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Finished:
    stdout: bytes
    stderr: bytes
    exit: SandboxExit
    enforced: dict[str, str]


async def collect(stream: Any, limit_bytes: int = 10_000_000) -> bytes:
    taken = bytearray()
    async for chunk in stream:
        if len(taken) < limit_bytes:
            taken += chunk
    return bytes(taken)


async def finish(driver: SandboxDriver, *argv: str, **fields: Any) -> Finished:
    """Start, drain both streams, wait. `directory` is / unless given; a test never waits longer than 30 s."""
    fields.setdefault("directory", "/")
    fields.setdefault("limits", Limits(wall_seconds=30))
    process = await driver.start(SandboxSpec("test", argv, **fields))
    try:
        out, err, end = await asyncio.gather(collect(process.stdout), collect(process.stderr), process.wait())
    finally:
        process.kill()
    return Finished(out, err, end, dict(process.enforced))


@functools.cache
def require_engine(name: str) -> None:
    """Skips the test, and says why, where podman or docker can't be had."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed: apt-get install podman runc catatonit")
    if subprocess.run([name, "info"], capture_output=True, timeout=60).returncode != 0:
        pytest.skip(f"`{name} info` fails: no daemon answers, or this user may not use it")


def run(driver: SandboxDriver, *argv: str, **fields: Any) -> Finished:
    return asyncio.run(finish(driver, *argv, **fields))


@contextmanager
def make_room(uid: int, gid: int) -> Iterator[Path]:
    """A folder that belongs to the runner. pytest's own folders lie below one that only root may enter."""
    room = Path(tempfile.mkdtemp(prefix="mogplex-test-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            os.chown(room, uid, gid)
        room.chmod(0o755)
        yield room
    finally:
        shutil.rmtree(room)


def work(room: Path, writable: bool = True) -> Mount:
    return Mount(room, "/work", writable=writable)


def new_mark() -> str:
    """A word to put on command lines, by which a process can be found from outside."""
    return f"mark{uuid.uuid4().hex}"


def find_marked(mark: str) -> list[int]:
    """Live processes of the whole machine, other than this one, that bear the mark on their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark.encode() in Path(f"/proc/{name}/cmdline").read_bytes() and int(name) != os.getpid():
                found.append(int(name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def wait_gone(mark: str, seconds: float = 10.0) -> list[int]:
    """The marked processes that are still there after some time; empty as soon as there is none."""
    deadline = time.monotonic() + seconds
    while (left := find_marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


def sleepers(mark: str, count: int) -> Sequence[str]:
    """A command that starts `count` sleeping daemons, each in a session of its own and deaf to signals, says so,
    and sleeps on."""
    code = (
        "import os, signal, sys, time\n"
        f"for _ in range({count}):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork(): os._exit(0)\n"
        "        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)\n"
        "        time.sleep(1000)\n"
        "    else: os.wait()\n"
        "print('started', flush=True)\n"
        "time.sleep(1000)\n"
    )
    return (PYTHON, "-c", code, mark)
