"""Handing over what a run made: the verified result, or on request what was done before it failed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from mogplex.domain.ending import Cause, Delivered, conclude
from mogplex.domain.errors import DeliveryError, MogplexError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.forge import ForgeFault
from mogplex.domain.run import Delivery, Run, Status, Verdict
from mogplex.worker.equipment import Equipment
from mogplex.worker.findings import Findings
from mogplex.worker.patience import patiently
from mogplex.worker.pull_request import request_merge
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
        findings, wants_request = self._findings, self._run.delivery is Delivery.PULL_REQUEST
        # A retry may find all its work on the branch already, pushed by the run before it: that is still to be merged.
        waiting = wants_request and findings.patch is None and await start.has_earlier_work()
        if self._run.delivery is Delivery.PATCH or (findings.patch is None and not waiting):
            findings.delivered = Delivered.NOT_NEEDED
            return
        if not findings.output_valid or (self._run.checks and findings.verdict is not Verdict.VERIFIED):
            return
        await self._transcript.flush()
        self._stop.check()
        await self._claim_delivery()
        commit = start.commit
        try:
            if findings.patch is not None:
                done = await self._stop.or_result(start.deliver(findings.patch))
                commit = done.commit
                await self._tell(done.branch, commit, partial=False)
            if wants_request:
                await self._stop.or_result(self._request_merge(start, commit))
        except DeliveryError as fault:
            findings.delivered, findings.detail = Delivered.FAILED, fault.message
            return
        findings.delivered = Delivered.DONE

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
        if run.delivery is Delivery.PULL_REQUEST:
            await self._request_partial_merge(start, done.commit, outcome)

    async def _request_partial_merge(self, start: StartPoint, commit: str, outcome: str) -> None:
        try:
            async with asyncio.timeout(PARTIAL_SECONDS):
                await self._request_merge(start, commit, outcome)
        except (MogplexError, TimeoutError) as fault:
            why = fault.message if isinstance(fault, MogplexError) else f"not done within {PARTIAL_SECONDS:g} s"
            await self._transcript.note(f"The partial work is pushed, but its pull request could not be opened: {why}")

    async def _request_merge(self, start: StartPoint, commit: str, partial: str | None = None) -> None:
        """Raises ForgeFault that says what became of the branch."""
        run = self._run
        try:
            done = await request_merge(run, start, self._equipment, self._findings, partial)
        except ForgeFault as fault:
            raise ForgeFault(
                f"The branch {run.working_branch} is pushed, but its pull request could not be opened or updated. "
                f"{fault.message}"
            ) from fault
        self._findings.pull_request_url = done.url
        for note in done.notes:
            await self._transcript.note(note)
        word = "opened" if done.created else "updated"
        await self._tell(run.working_branch, commit, partial=partial is not None, request=(done.url, word))

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
        self._stop.delivering = True
        if not await patiently(self._equipment.attempts.update, self._run, delivered=True):
            self._stop.lose()
            raise OwnershipLost

    async def _tell(self, branch: str, commit: str, *, partial: bool, request: tuple[str, str] | None = None) -> None:
        """`request`: the URL of its pull request, and what was done to that."""
        url, word = request or (None, "pushed")
        payload = {"branch": branch, "commit": commit, "pullRequestUrl": url, "partial": partial}
        told = f"{word} {branch}" if url is None else f"{word} pull request {url}"
        text = told + (", marked as partial" if partial else "")
        await self._transcript.add(EventDraft(EventType.DELIVERED, text, payload=payload))
