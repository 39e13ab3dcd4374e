"""A lock on a file that holds between processes and inside one, and is let go by the kernel when its holder dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_FIRST_WAIT_SECONDS = 0.01
_LONGEST_WAIT_SECONDS = 0.25


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Take the lock now, or not at all. Returns an open descriptor: close it to let go. Any number may share it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


async def take_lock(path: Path, *, shared: bool = False) -> int:
    """Wait for the lock. Returns an open descriptor: close it to let go.

    Asking again and again, instead of a thread that blocks, keeps the wait cancellable.
    """
    wait_seconds = _FIRST_WAIT_SECONDS
    while (fd := try_lock(path, shared=shared)) is None:
        await asyncio.sleep(wait_seconds)
        wait_seconds = min(wait_seconds * 1.5, _LONGEST_WAIT_SECONDS)
    return fd


@asynccontextmanager
async def hold_lock(path: Path) -> AsyncIterator[int]:
    """Wait for the lock and hold it. Yields its descriptor, which a child process may inherit to hold it as well."""
    fd = await take_lock(path)
    try:
        yield fd
    finally:
        os.close(fd)
