"""What setups installed, kept for later runs: one folder a (repo, key), shown read-only to that repo's sandboxes.

environments/<repo>/<key>/      the content, owned by the runner
environments/<repo>/<key>.json  its record, renamed into place when the setup succeeded; a folder without is rubble
environments/<repo>/<key>.lock  held shared while the folder is mounted, alone while it is built or removed

A folder is built under its final name, since the programs in it bear that path where no sandbox moves it to /env.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from mogplex.workspace.layout import Layout, check_name
from mogplex.workspace.lock import take_lock, try_lock

_DU = "/usr/bin/du"
_SYNC = "/usr/bin/sync"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`cached`: an earlier setup made it. `size_bytes` is what it takes on disk."""

    folder: Path
    cached: bool
    size_bytes: int


class Environments:
    """All snapshots of a work folder. Safe to use from several processes at once. `limit_bytes`: for all together."""

    def __init__(self, layout: Layout, limit_bytes: int) -> None:
        self._layout = layout
        self._limit_bytes = limit_bytes

    @asynccontextmanager
    async def open(self, repo_id: str, key: str, build: Callable[[Path], Awaitable[None]]) -> AsyncIterator[Snapshot]:
        """The snapshot, which stays until the body ends; `build` fills an empty folder of the runner's when there is
        none. Whoever asks for the same one meanwhile waits. What `build` raises is raised, and nothing is kept then.
        """
        parent = self._layout.environments / check_name(repo_id)
        self._layout.make_shared(parent)
        folder = parent / check_name(key)
        lock_path = folder.with_name(f"{key}.lock")
        built = False
        while True:
            lock = await take_lock(lock_path, shared=True)
            size_bytes = _read_size(folder)
            if size_bytes is not None:
                break
            os.close(lock)
            built = await self._build_alone(folder, lock_path, build)
        try:
            os.utime(_record_of(folder))  # when it was used last
            if built:
                await self.evict()
            yield Snapshot(folder, not built, size_bytes)
        finally:
            os.close(lock)

    async def evict(self) -> list[str]:
        """Remove rubble, and the longest unused snapshots above the limit; none that is in use. Returns what went."""
        kept, removed = [], []
        for folder in sorted(each for each in self._layout.environments.glob("*/*") if each.is_dir()):
            size_bytes = _read_size(folder)
            if size_bytes is not None:
                kept.append((_record_of(folder).stat().st_mtime_ns, folder, size_bytes))
            elif await self._remove_unused(folder):
                removed.append(folder.name)
        total = sum(size_bytes for _, _, size_bytes in kept)
        for _, folder, size_bytes in sorted(kept):
            if total <= self._limit_bytes:
                break
            if await self._remove_unused(folder):
                total -= size_bytes
                removed.append(folder.name)
        return removed

    async def _build_alone(self, folder: Path, lock_path: Path, build: Callable[[Path], Awaitable[None]]) -> bool:
        """False: somebody else was faster."""
        lock = await take_lock(lock_path)
        try:
            if _read_size(folder) is not None:
                return False
            await self._layout.remove_tree(folder)
            self._layout.create_private(folder)
            try:
                await build(folder)
                size_bytes = await measure(folder)
                await _run(_SYNC, "-f", str(folder))  # the record may not be on disk before what it speaks for
                _write_record(folder, size_bytes)
            finally:
                if _read_size(folder) is None:
                    await self._layout.remove_tree(folder)
            return True
        finally:
            os.close(lock)

    async def _remove_unused(self, folder: Path) -> bool:
        # The lock's file stays: who waits for it must not hold another file than who comes after.
        lock = try_lock(folder.with_name(f"{folder.name}.lock"))
        if lock is None:
            return False
        try:
            _record_of(folder).unlink(missing_ok=True)
            await self._layout.remove_tree(folder)
        finally:
            os.close(lock)
        return True


def _record_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _read_size(folder: Path) -> int | None:
    try:
        return int(json.loads(_record_of(folder).read_text())["sizeBytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # absent or damaged: built anew


def _write_record(folder: Path, size_bytes: int) -> None:
    draft = folder.with_name(f"{folder.name}.new")
    draft.write_text(json.dumps({"sizeBytes": size_bytes}))
    draft.rename(_record_of(folder))


async def measure(folder: Path) -> int:
    """Bytes on disk; a file with several names counts once, and links are not followed."""
    said = await _run(_DU, "-sxk", "--", str(folder))
    return int(said.split()[0]) * 1024 if said.split() else 0


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LC_ALL": "C"},
    )
    try:
        return (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
