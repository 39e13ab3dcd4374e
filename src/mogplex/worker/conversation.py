"""The conversation of one harness: its folder in the sandbox, what an earlier run left there, what is kept of it."""

from __future__ import annotations

from pathlib import Path

from mogplex.domain.errors import MogplexError
from mogplex.domain.kept_work import KeptWork
from mogplex.domain.ports import Claim, Mount
from mogplex.domain.run import Run
from mogplex.worker.equipment import Equipment
from mogplex.worker.transcript import Transcript
from mogplex.workspace.replant import copy_folder

STATE_FOLDER = "/state"  # in the sandbox


class Conversation:
    """`session` is the earlier conversation that the harness is to go on with, once `open` found it."""

    def __init__(self, run: Run, equipment: Equipment, transcript: Transcript) -> None:
        self._run = run
        self._equipment = equipment
        self._transcript = transcript
        self._folder: Path | None = None
        self.session: str | None = None
        self.kept: KeptWork | None = None  # the work itself, as it was found

    async def open(self, folder: Path, kept: KeptWork | None) -> None:
        """Make `folder`, with a copy of what the earlier run kept. Without that the harness begins a new one."""
        self._equipment.layout.create_private(folder)
        self._folder = folder
        self.kept = kept
        if kept is None or kept.session is None:
            return
        source = self._equipment.sessions.find(kept.run_id)
        if source is None:
            await self._transcript.note(f"The conversation of {kept.run_id} is not on this machine (any more).")
            return
        try:
            await copy_folder(self._equipment.driver, source, folder, self._run.id)
        except MogplexError as fault:
            await self._transcript.note(fault.message)
            return
        self.session = kept.session

    def mounts(self) -> tuple[Mount, ...]:
        return () if self._folder is None else (Mount(self._folder, STATE_FOLDER, writable=True),)

    async def keep(self, claim: Claim | None) -> None:
        """Keep the folder when the harness named its conversation. Its processes must be dead."""
        if claim is None or claim.session is None or self._folder is None:
            return
        if not await self._equipment.sessions.keep(self._run.id, self._folder):
            await self._transcript.note("The conversation was too large to be kept.")
