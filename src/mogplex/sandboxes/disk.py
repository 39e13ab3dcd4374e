"""How much the writable mounts of a sandbox hold, measured without trusting what is in them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK_BYTES = 512  # the unit of st_blocks, whatever the file system


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes taken on disk (holes don't count, a hard-linked file counts once), entries, and folder levels."""

    size_bytes: int
    files: int
    depth: int


class DiskMeter:
    """Walks folders by descriptor: no symbolic link is followed and no other file system entered.

    The walk stops at `files_limit` entries or `depth_limit` levels, so that it can't be made endless; the result
    then shows the limit reached. A folder that may not be read is skipped (only possible when the worker is not root).
    """

    def __init__(self, paths: Iterable[Path], files_limit: int, depth_limit: int) -> None:
        self._paths = tuple(paths)
        self._files_limit = files_limit
        self._depth_limit = depth_limit

    def measure(self) -> DiskUse:
        """Blocks for some 10 ms per thousand files: call it in a thread."""
        size_bytes = files = depth = 0
        linked: set[tuple[int, int]] = set()
        for path in self._paths:
            for entry_depth, status in self._walk(path):
                depth = max(depth, entry_depth)
                files += 1
                if not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1:
                    if (status.st_dev, status.st_ino) in linked:
                        continue
                    linked.add((status.st_dev, status.st_ino))
                size_bytes += status.st_blocks * _BLOCK_BYTES
                if files >= self._files_limit or depth >= self._depth_limit:
                    return DiskUse(size_bytes, files, depth)
        return DiskUse(size_bytes, files, depth)

    def _walk(self, root: Path) -> Iterable[tuple[int, os.stat_result]]:
        try:
            top = os.lstat(root)
        except FileNotFoundError:
            return
        yield 0, top
        if not stat.S_ISDIR(top.st_mode):
            return
        # One open descriptor a level; the names still to visit are kept beside it.
        levels: list[tuple[int, list[str]]] = []
        try:
            fd: int | None = _open(str(root), None)
            while fd is not None or levels:
                if fd is not None:
                    folders: list[str] = []
                    levels.append((fd, folders))
                    for name, status in _list(fd):
                        yield len(levels), status
                        if stat.S_ISDIR(status.st_mode) and status.st_dev == top.st_dev:
                            folders.append(name)
                fd = None
                parent, waiting = levels[-1]
                if waiting:
                    fd = _open(waiting.pop(), parent)
                else:
                    os.close(parent)
                    levels.pop()
        finally:
            for parent, _ in levels:
                os.close(parent)


def _open(name: str, parent: int | None) -> int | None:
    try:
        return os.open(name, _FOLDER_FLAGS, dir_fd=parent)
    except OSError:
        return None  # gone, swapped for something else, or closed to us


def _list(fd: int) -> Iterable[tuple[str, os.stat_result]]:
    with os.scandir(fd) as entries:
        for entry in entries:
            try:
                yield entry.name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue


@dataclass(frozen=True, slots=True)
class Free:
    """What an ordinary user can still put on a file system. Some file systems do not count files: then 0."""

    size_bytes: int
    files: int


def look_at_free(path: Path) -> Free:
    """What is free on the file system of `path`; costs some microseconds."""
    status = os.statvfs(path)
    return Free(status.f_bavail * status.f_frsize, status.f_favail)


class DiskLedger:
    """What each running sandbox of a driver holds on disk, so that a full disk ends the largest and not a neighbour.

    `walker` is the one thread that measures: huge trees then wait for each other, and nobody else waits for them.
    """

    def __init__(self) -> None:
        self.walker = ThreadPoolExecutor(1, thread_name_prefix="sandbox-disk")
        self._held: dict[object, int] = {}

    def note(self, key: object, size_bytes: int) -> None:
        self._held[key] = size_bytes

    def forget(self, key: object) -> None:
        self._held.pop(key, None)

    def is_largest(self, key: object) -> bool:
        return self._held.get(key, 0) >= max(self._held.values(), default=0)
