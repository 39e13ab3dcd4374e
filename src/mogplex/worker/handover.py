"""Handing over what a run made: the verified result, or on request what was done before it failed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from mogplex.domain.ending import Cause, Delivered, conclude
from mogplex.domain.errors import DeliveryError, MogplexError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.run import Delivery, Run, Status, Verdict
from mogplex.worker.equipment import Equipment
from mogplex.worker.findings import Findings
from mogplex.worker.patience import patiently
from mogplex.worker.start_point import StartPoint
from mogplex.worker.stop import OwnershipLost, Stop
from mogplex.worker.transcript import Transcript

PARTIAL_SECONDS = 120.0
_NO_PARTIAL = (Cause.CANCELLED, Cause.SUPERSEDED)  # who cancels wants it over within 2 s, and wants no push
log = logging.getLogger(__name__)


class Handover:
    """Pushes the working branch of one run, once it is certain that the run is still ours."""

    def __init__(self, run: Run, equipment: Equipment, transcript: Transcript, stop: Stop, findings: Findings) -> None:
        self._run = run
        self._equipment = equipment
        self._transcript = transcript
        self._stop = stop
        self._findings = findings

    async def deliver(self, start: StartPoint) -> None:
        """Push the result, unless a check or the result itself speaks against it. Raises Stopped, OwnershipLost."""
        findings = self._findings
        if findings.patch is None or self._run.delivery is Delivery.PATCH:
            findings.delivered = Delivered.NOT_NEEDED
            return
        if not findings.output_valid or (self._run.checks and findings.verdict is not Verdict.VERIFIED):
            return
        await self._transcript.flush()
        self._stop.check()
        await self._claim_delivery()
        try:
            done = await self._stop.or_result(start.deliver(findings.patch))
        except DeliveryError as fault:
            findings.delivered, findings.detail = Delivered.FAILED, fault.message
            return
        findings.delivered = Delivered.DONE
        await self._tell(done.branch, done.commit, partial=False)

    async def deliver_partial(self, start: StartPoint) -> None:
        """Push what was done by a run that is no success, in a commit that says so. A fault of it changes no ending."""
        findings, run = self._findings, self._run
        if not run.deliver_partial or run.delivery is Delivery.PATCH or self._stop.lost:
            return
        if findings.patch is None or findings.verdict is Verdict.VERIFIED or self._stop.cause in _NO_PARTIAL:
            return
        outcome, _ = conclude(findings.facts(run, self._stop))
        if outcome.status is Status.SUCCESS:  # it was pushed as what it is
            return
        try:
            await self._transcript.flush()
            await self._claim_delivery()
            async with asyncio.timeout(PARTIAL_SECONDS):
                commit = await self._commit_partial(start, outcome)
                done = await start.deliver(replace(findings.patch, commit=commit))
        except OwnershipLost:
            log.warning("run %s attempt %d belongs to another worker now", run.id, run.attempt)
            return
        except (MogplexError, TimeoutError) as fault:
            why = fault.message if isinstance(fault, MogplexError) else f"not done within {PARTIAL_SECONDS:g} s"
            await self._transcript.note(f"The partial work could not be pushed: {why}")
            return
        findings.partial = True
        findings.patch = replace(findings.patch, commit=done.commit)
        await self._tell(done.branch, done.commit, partial=True)

    async def _commit_partial(self, start: StartPoint, outcome: str) -> str:
        patch = self._findings.patch
        assert patch is not None
        title = f"Partial work: {self._run.title or 'of a Mogplex run'}"
        message = f"{title}\n\nThe run ended as {outcome}; nothing vouches for this."
        return await start.results.write_commit(
            self._run.id,
            patch.tree,
            patch.base,
            message,
            self._equipment.identity,
            trailers={"Mogplex-Attempt": str(self._run.attempt), "Mogplex-Partial": outcome},
        )

    async def _claim_delivery(self) -> None:
        """From here on the run is never played again by itself. Raises OwnershipLost."""
        if not await patiently(self._equipment.attempts.update, self._run, delivered=True):
            self._stop.lose()
            raise OwnershipLost

    async def _tell(self, branch: str, commit: str, *, partial: bool) -> None:
        payload = {"branch": branch, "commit": commit, "pullRequestUrl": None, "partial": partial}
        text = f"pushed {branch}" + (", marked as partial" if partial else "")
        await self._transcript.add(EventDraft(EventType.DELIVERED, text, payload=payload))
