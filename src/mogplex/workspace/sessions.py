"""Conversations of harnesses that outlive their run, so that a later run can go on with them.

Each is a folder that a harness wrote in its sandbox. It is moved and measured as a whole and never opened here; a later
sandbox copies it. The oldest go when all together are too large.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.environments import measure
from mogplex.workspace.layout import Layout, check_name

SHARE = 4  # one conversation may take a quarter of the room


class Sessions:
    def __init__(self, layout: Layout, limit_bytes: int) -> None:
        self._layout = layout
        self._limit_bytes = limit_bytes

    def find(self, run_id: str) -> Path | None:
        """The folder of a run's conversation, if it was kept on this machine."""
        folder = self._layout.sessions / check_name(run_id)
        return folder if folder.is_dir() else None

    async def keep(self, run_id: str, folder: Path) -> bool:
        """Move `folder` (of the runner's, on the same file system) into the store. False: it is too large."""
        if await measure(folder) > self._limit_bytes // SHARE:
            return False
        await self.drop(run_id)
        await asyncio.to_thread(folder.rename, self._layout.sessions / check_name(run_id))
        await self._evict()
        return True

    async def drop(self, run_id: str) -> None:
        """Remove a run's conversation, if there is one."""
        folder = self.find(run_id)
        if folder is not None:
            await self._layout.remove_tree(folder)

    async def _evict(self) -> None:
        # The time of the last move, which nobody inside can set.
        kept = sorted(self._layout.sessions.iterdir(), key=lambda folder: folder.lstat().st_ctime_ns, reverse=True)
        total = 0
        for folder in kept:
            total += await measure(folder)
            if total > self._limit_bytes:
                with contextlib.suppress(WorkspaceError):  # in use or already going: the next one tries again
                    await self._layout.remove_tree(folder)
