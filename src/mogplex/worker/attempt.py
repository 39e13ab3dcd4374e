"""One attempt of a run, from the claim to the one final record. `play` is the story; the rest are its sentences."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from mogplex.domain.ending import Cause
from mogplex.domain.errors import MogplexError, WorkspaceError
from mogplex.domain.ports import Claim
from mogplex.domain.run import Run, Status
from mogplex.worker.activity import Activity
from mogplex.worker.checks import Checks, check_files_of
from mogplex.worker.clock import PhaseClock
from mogplex.worker.conversation import Conversation
from mogplex.worker.egress import Egress
from mogplex.worker.equipment import Equipment
from mogplex.worker.findings import Findings
from mogplex.worker.first_try import FirstTry
from mogplex.worker.handover import Handover
from mogplex.worker.harness_run import HarnessRun, sandbox_end
from mogplex.worker.harvest import Harvest
from mogplex.worker.models import Models
from mogplex.worker.patience import patiently
from mogplex.worker.result import find_result_fault
from mogplex.worker.setup import Setup
from mogplex.worker.start_point import StartPoint, find_start
from mogplex.worker.stop import OwnershipLost, Stop, Stopped
from mogplex.worker.time_limit import TimeLimit
from mogplex.worker.transcript import Transcript
from mogplex.workspace.checkout import Checkout
from mogplex.workspace.replant import apply_diff

log = logging.getLogger(__name__)


class Attempt:
    """Plays one attempt. Nothing in here decides an ending: `domain.ending.conclude` does, from the findings."""

    def __init__(self, run: Run, equipment: Equipment, stop: Stop) -> None:
        queued_ms = round(((run.started_at or run.created_at) - run.created_at) * 1000)
        self.run = run
        self.equipment = equipment
        self.stop = stop
        self.activity = Activity()
        self.transcript = Transcript(equipment.attempts, run, stop)
        self.time_limit = TimeLimit(run.timeout_seconds, stop, self.transcript)
        self.clock = PhaseClock(queued_ms)
        self.findings = Findings()
        self._start: StartPoint | None = None

    async def play(self) -> None:
        """Do the work, then write the ending. Writes nothing once the run belongs to another worker."""
        try:
            async with self.time_limit.running():
                await self._work()
        except OwnershipLost:
            log.warning("run %s attempt %d belongs to another worker now", self.run.id, self.run.attempt)
            return
        except Stopped:
            log.info("run %s attempt %d was stopped: %s", self.run.id, self.run.attempt, self.stop.cause)
        except WorkspaceError as fault:
            self.stop.set(Cause.SETUP, fault.message)
        except MogplexError as fault:
            self.stop.set(Cause.SANDBOX, fault.message)
        except Exception as fault:
            # Whatever goes wrong in our own code must still end in a final record that says so.
            log.exception("run %s attempt %d failed inside Mogplex", self.run.id, self.run.attempt)
            self.stop.set(Cause.SANDBOX, f"An internal fault of the worker ({type(fault).__name__}); see its log.")
        if self._start is not None:
            await self._handover().deliver_partial(self._start)
        await self._finish()

    async def _work(self) -> None:
        async with self._workspace() as (start, checkout), self._egress(start) as egress:
            if self.run.contest is None:
                checkout = await self._run_harness(start, checkout, egress)
            else:
                self._take_winner(start)
            await self._take_patch(start, checkout)
            self.stop.check()
            self.time_limit.lift()  # from here on each check has a limit of its own
            if self.findings.claim_counts:
                await self._validate_result()
                await self._check(start, egress)
                await self._handover().deliver(start)

    @asynccontextmanager
    async def _workspace(self) -> AsyncIterator[tuple[StartPoint, Checkout]]:
        """The checkout to work in; its folder is gone afterwards, whatever happened."""
        async with self.equipment.layout.open_run(self.run.id, self.run.attempt) as folder:
            with self.clock.phase("preparing", "refreshMs"):
                start = self._start = await self.stop.or_result(find_start(self.run, self.equipment, folder))
            with self.clock.phase("preparing", "checkoutMs"):
                checkout = await self.stop.or_result(start.check_out("work"))
            self.findings.check_files = check_files_of(self.run, start.repo)
            await patiently(self.equipment.attempts.update, self.run, base_commit=start.commit)
            if start.kept is not None and start.kept.diff:
                replanting = apply_diff(self.equipment.driver, checkout, start.kept.diff, self.run.id)
                await self.stop.or_result(replanting)
            async with AsyncExitStack() as held:
                setup = Setup(self.run, self.equipment, self.transcript, self.stop)
                with self.clock.phase("preparing"):
                    start = await self.stop.or_result(held.enter_async_context(setup.open(start)))
                yield start, checkout

    def _handover(self) -> Handover:
        return Handover(self.run, self.equipment, self.transcript, self.stop, self.findings)

    def _egress(self, start: StartPoint) -> Egress:
        return Egress(start.repo.allow_hosts, self.transcript.add, self.equipment.driver, self.equipment.reach)

    async def _run_harness(self, start: StartPoint, checkout: Checkout, egress: Egress) -> Checkout:
        """Run it to its end or to a stop; what it leaves is a claim, never a decision. Returns where its work lies."""
        first = FirstTry(self.run, self.equipment, self.transcript, self.stop, egress, self.activity)
        if (fixed := await first.play(start, self.clock, self.findings)) is not None:
            return fixed
        conversation = Conversation(self.run, self.equipment, self.transcript)
        await self.stop.or_result(conversation.open(start.folder / "state", start.kept))
        async with Models(self.run, self.equipment, self.transcript, self.stop, self.activity) as models:
            harness_run = HarnessRun(
                first.run, self.equipment, self.transcript, self.stop, egress, self.activity, models, conversation
            )
            process = await harness_run.start(start, checkout, self.clock)
            self.findings.enforced = dict(process.enforced)
            with self.clock.phase("running"):
                self.findings.claim, self.findings.exit = await harness_run.follow(process)
        self.findings.lingered = harness_run.lingered
        await conversation.keep(self.findings.claim)
        if self.findings.exit.killed_by not in (None, "caller"):
            self.stop.set(*sandbox_end(self.findings.exit.killed_by, self.equipment))
        if not self.findings.claim_counts:
            models.note_fault()
        return checkout

    def _take_winner(self, start: StartPoint) -> None:
        """The work is in the checkout already; it is checked once more and delivered as any other."""
        if start.kept is None:
            raise WorkspaceError("The work of the contest's winner is gone.")
        told = f"The work of {start.kept.run_id}, the best of the contenders."
        self.findings.chosen = True
        self.findings.claim = Claim(True, True, told, result=start.kept.result)

    async def _take_patch(self, start: StartPoint, checkout: Checkout) -> None:
        """Keep the work done so far, whatever the ending will be."""
        if self.stop.lost:
            raise OwnershipLost
        await Harvest(self.run, self.equipment, self.transcript, self.stop).take(start, checkout, self.findings)

    async def _validate_result(self) -> None:
        """Hold the structured result against the schema that the caller gave."""
        schema = self.run.output_schema
        if schema is None:
            return
        claim = self.findings.claim
        fault = await find_result_fault(claim.result if claim else None, schema)
        if fault is not None:
            self.findings.output_valid, self.findings.detail = False, fault

    async def _check(self, start: StartPoint, egress: Egress) -> None:
        """Ask the repo owner's checks, on checkouts that the harness never saw."""
        if not self.run.checks or not self.findings.output_valid:
            return
        checks = Checks(self.run, self.equipment, self.transcript, self.stop, egress)
        with self.clock.phase("checking"):
            report = await checks.run_all(start, self.findings.patch)
        findings = self.findings
        findings.verdict, findings.baseline, findings.detail = report.verdict, report.baseline, report.detail

    async def _finish(self) -> None:
        """Write the one final record."""
        try:
            await self.transcript.flush()
        except OwnershipLost:
            return
        ending = self.findings.ending(self.run, self.stop, self.transcript.usage, self.clock.timing())
        driver, limits = self.equipment.driver.name, self.equipment.limits
        name = f"{self.run.id}-{self.run.attempt}"
        facts = self.findings.sandbox_facts(name, driver, limits, self.transcript.raw.text())
        if not await patiently(self.equipment.attempts.finish, self.run, ending, facts):
            log.warning("run %s attempt %d: another worker wrote the ending", self.run.id, self.run.attempt)
        elif ending.status is Status.SUCCESS:  # only what failed can be resumed
            await self.equipment.sessions.drop(self.run.id)
