"""Keeping the work done so far, whatever the ending will be: from the harness's tree to a stored patch."""

from __future__ import annotations

import asyncio

from mogplex.domain.ending import Cause
from mogplex.domain.errors import SandboxError, WorkspaceError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.run import Run
from mogplex.worker.equipment import Equipment
from mogplex.worker.findings import Findings
from mogplex.worker.patience import patiently
from mogplex.worker.start_point import StartPoint
from mogplex.worker.stop import Stop
from mogplex.worker.transcript import Transcript
from mogplex.workspace.checkout import Checkout
from mogplex.workspace.patch import Patch, collect

COLLECT_SECONDS = 60.0
COLLECT_AFTER_STOP_SECONDS = 1.2  # a cancelled run must be terminal within 2 s, its patch is kept if that is enough


class Harvest:
    """Takes the patch of one attempt."""

    def __init__(self, run: Run, equipment: Equipment, transcript: Transcript, stop: Stop) -> None:
        self._run = run
        self._equipment = equipment
        self._transcript = transcript
        self._stop = stop

    async def take(self, start: StartPoint, checkout: Checkout, findings: Findings) -> None:
        """Set and store `findings.patch`. A tree that can't be collected sets the stop: nothing to go on with."""
        limit_seconds = COLLECT_AFTER_STOP_SECONDS if self._stop.is_set else COLLECT_SECONDS
        try:
            findings.patch = await asyncio.wait_for(self._collect(start, checkout), limit_seconds)
        except TimeoutError:
            await self._give_up(f" within {limit_seconds:g} s.")
            return
        except (WorkspaceError, SandboxError) as fault:
            await self._give_up(f": {fault.message}")
            return
        if findings.patch is None:
            return
        for warning in findings.patch.warnings:
            await self._transcript.note(warning)
        await patiently(self._equipment.attempts.save_patch, self._run, findings.patch.diff)
        changes = findings.changes()
        assert changes is not None
        files = "1 file" if changes.files == 1 else f"{changes.files} files"
        text = f"{files} changed, +{changes.insertions} -{changes.deletions}"
        await self._transcript.add(EventDraft(EventType.CHANGES, text, payload=changes.as_wire()))

    async def _collect(self, start: StartPoint, checkout: Checkout) -> Patch | None:
        return await collect(
            self._equipment.driver,
            checkout,
            start.results,
            self._run.id,
            self._run.title or "Work of a Mogplex run",
            identity=self._equipment.identity,
            trailers={"Mogplex-Attempt": str(self._run.attempt)},
        )

    async def _give_up(self, why: str) -> None:
        await self._transcript.note(f"The work done so far could not be collected{why}")
        self._stop.set(Cause.SANDBOX, f"The result could not be collected{why}")
