"""One attempt of a run, from the claim to the one final record. `play` is the story; the rest are its sentences."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from mogplex.domain.ending import Cause, Delivered, Facts, claim_fault, conclude, failure_of
from mogplex.domain.errors import DeliveryError, MogplexError, SandboxError, WorkspaceError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import Claim, SandboxExit
from mogplex.domain.run import Changes, Delivery, Ending, Run, Verdict
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.verdict import touched_tests
from mogplex.worker.checks import Checks
from mogplex.worker.clock import PhaseClock
from mogplex.worker.egress import Egress
from mogplex.worker.equipment import Equipment
from mogplex.worker.harness_run import HarnessRun, sandbox_end
from mogplex.worker.patience import patiently
from mogplex.worker.result import find_result_fault
from mogplex.worker.setup import Setup
from mogplex.worker.start_point import StartPoint, find_start
from mogplex.worker.stop import OwnershipLost, Stop, Stopped
from mogplex.worker.transcript import Transcript
from mogplex.workspace.checkout import Checkout
from mogplex.workspace.patch import Patch, collect

log = logging.getLogger(__name__)

COLLECT_SECONDS = 60.0
COLLECT_AFTER_STOP_SECONDS = 1.2  # a cancelled run must be terminal within 2 s, its patch is kept if that is enough
SHOWN_PATHS = 100


class Attempt:
    """Everything one attempt finds out. Nothing in here decides an ending: `domain.ending.conclude` does."""

    def __init__(self, run: Run, equipment: Equipment, stop: Stop) -> None:
        queued_ms = round(((run.started_at or run.created_at) - run.created_at) * 1000)
        self.run = run
        self.equipment = equipment
        self.stop = stop
        self.transcript = Transcript(equipment.attempts, run, stop)
        self.clock = PhaseClock(queued_ms)
        self.claim: Claim | None = None
        self.exit: SandboxExit | None = None
        self.patch: Patch | None = None
        self.verdict = Verdict.NOT_RUN
        self.baseline: Verdict | None = None
        self.delivered = Delivered.NOT_TRIED
        self.output_valid = True
        self.detail = ""

    async def play(self) -> None:
        """Do the work, then write the ending. Writes nothing once the run belongs to another worker."""
        timer = asyncio.get_running_loop().call_later(self.run.timeout_seconds, self._time_out)
        try:
            await self._work(timer)
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
        finally:
            timer.cancel()
        await self._finish()

    async def _work(self, timer: asyncio.TimerHandle) -> None:
        async with self._workspace() as (start, checkout), self._egress(start) as egress:
            await self._run_harness(start, checkout, egress)
            await self._take_patch(start, checkout)
            self.stop.check()
            timer.cancel()  # from here on each check has a limit of its own
            if claim_fault(self.claim, self.exit.exit_code if self.exit else None) is None:
                await self._validate_result()
                await self._check(start, egress)
                await self._deliver(start)

    def _time_out(self) -> None:
        self.stop.set(Cause.TIMED_OUT, f"The run reached its wall-clock limit of {self.run.timeout_seconds:g} s.")

    @asynccontextmanager
    async def _workspace(self) -> AsyncIterator[tuple[StartPoint, Checkout]]:
        """The checkout to work in; its folder is gone afterwards, whatever happened."""
        async with self.equipment.layout.open_run(self.run.id, self.run.attempt) as folder:
            with self.clock.phase("preparing", "refreshMs"):
                start = await self.stop.or_result(find_start(self.run, self.equipment, folder))
            with self.clock.phase("preparing", "checkoutMs"):
                checkout = await self.stop.or_result(start.check_out("work"))
            await patiently(self.equipment.attempts.update, self.run, base_commit=start.commit)
            async with AsyncExitStack() as held:
                setup = Setup(self.run, self.equipment, self.transcript, self.stop)
                with self.clock.phase("preparing"):
                    start = await self.stop.or_result(held.enter_async_context(setup.open(start)))
                yield start, checkout

    def _egress(self, start: StartPoint) -> Egress:
        return Egress(start.repo.allow_hosts, self.transcript.add, self.equipment.driver, self.equipment.reach)

    async def _run_harness(self, start: StartPoint, checkout: Checkout, egress: Egress) -> None:
        """Run it to its end or to a stop; what it leaves is a claim, never a decision."""
        harness_run = HarnessRun(self.run, self.equipment, self.transcript, self.stop, egress)
        process = await harness_run.start(start, checkout, self.clock)
        with self.clock.phase("running"):
            self.claim, self.exit = await harness_run.follow(process)
        if self.exit.killed_by not in (None, "caller"):
            self.stop.set(*sandbox_end(self.exit.killed_by, self.equipment))

    async def _take_patch(self, start: StartPoint, checkout: Checkout) -> None:
        """Keep the work done so far, whatever the ending will be."""
        if self.stop.lost:
            raise OwnershipLost
        limit_seconds = COLLECT_AFTER_STOP_SECONDS if self.stop.is_set else COLLECT_SECONDS
        message = self.run.title or "Work of a Mogplex run"
        try:
            patch = await asyncio.wait_for(
                collect(
                    self.equipment.driver,
                    checkout,
                    start.results,
                    self.run.id,
                    message,
                    identity=self.equipment.identity,
                ),
                limit_seconds,
            )
        except TimeoutError:
            await self._note(f"The work done so far could not be collected within {limit_seconds:g} s.")
            self.stop.set(Cause.SANDBOX, f"The result could not be collected within {limit_seconds:g} s.")
            return
        except (WorkspaceError, SandboxError) as fault:
            await self._note(f"The work done so far could not be collected: {fault.message}")
            self.stop.set(Cause.SANDBOX, f"The result could not be collected: {fault.message}")
            return
        self.patch = patch
        if patch is None:
            return
        for warning in patch.warnings:
            await self._note(warning)
        await patiently(self.equipment.attempts.save_patch, self.run, patch.diff)
        changes = self._changes()
        assert changes is not None
        files = "1 file" if changes.files == 1 else f"{changes.files} files"
        text = f"{files} changed, +{changes.insertions} -{changes.deletions}"
        await self.transcript.add(EventDraft(EventType.CHANGES, text, payload=changes.as_wire()))

    async def _validate_result(self) -> None:
        """Hold the structured result against the schema that the caller gave."""
        schema = self.run.output_schema
        if schema is None:
            return
        fault = await find_result_fault(self.claim.result if self.claim else None, schema)
        if fault is not None:
            self.output_valid, self.detail = False, fault

    async def _check(self, start: StartPoint, egress: Egress) -> None:
        """Ask the repo owner's checks, on checkouts that the harness never saw."""
        if not self.run.checks or not self.output_valid:
            return
        checks = Checks(self.run, self.equipment, self.transcript, self.stop, egress)
        with self.clock.phase("checking"):
            report = await checks.run_all(start, self.patch)
        self.verdict, self.baseline, self.detail = report.verdict, report.baseline, report.detail

    async def _deliver(self, start: StartPoint) -> None:
        """Push the working branch, once it is certain that the run is still ours and nobody stopped it."""
        if self.patch is None or self.run.delivery is Delivery.PATCH:
            self.delivered = Delivered.NOT_NEEDED
            return
        if not self.output_valid or (self.run.checks and self.verdict is not Verdict.VERIFIED):
            return
        await self.transcript.flush()
        self.stop.check()
        if not await patiently(self.equipment.attempts.owns, self.run):
            self.stop.lose()
            raise OwnershipLost
        await patiently(self.equipment.attempts.update, self.run, delivered=True)
        try:
            done = await self.stop.or_result(start.deliver(self.patch))
        except DeliveryError as fault:
            self.delivered, self.detail = Delivered.FAILED, fault.message
            return
        self.delivered = Delivered.DONE
        payload = {"branch": done.branch, "commit": done.commit, "pullRequestUrl": None}
        await self.transcript.add(EventDraft(EventType.DELIVERED, f"pushed {done.branch}", payload=payload))

    async def _finish(self) -> None:
        """Write the one final record."""
        try:
            await self.transcript.flush()
        except OwnershipLost:
            return
        ending = self._ending()
        facts = self._sandbox_facts()
        if not await patiently(self.equipment.attempts.finish, self.run, ending, facts):
            log.warning("run %s attempt %d: another worker wrote the ending", self.run.id, self.run.attempt)

    def _ending(self) -> Ending:
        outcome, error = conclude(
            Facts(
                # What was pushed is pushed: a stop that came later is too late to be the cause.
                cause=None if self.delivered is Delivered.DONE else self.stop.cause,
                claim=self.claim,
                exit_code=self.exit.exit_code if self.exit else None,
                output_valid=self.output_valid,
                checks_wanted=bool(self.run.checks),
                verdict=self.verdict,
                changed=self.patch is not None,
                delivered=self.delivered,
                detail=self.stop.detail if self.stop.cause else self.detail,
            )
        )
        claim = self.claim
        return Ending(
            outcome=outcome,
            verdict=self.verdict,
            error=error,
            failure=failure_of(outcome),
            baseline=self.baseline,
            tests_touched=touched_tests([change.path for change in self.patch.paths]) if self.patch else (),
            usage=self.transcript.usage,
            cost_usd=0.0,  # no harness here calls a model
            changes=self._changes(),
            result=claim.result if claim else None,
            timing=self.clock.timing(),
            summary=claim.summary if claim else "",
        )

    def _sandbox_facts(self) -> SandboxFacts:
        exit, limits = self.exit, self.equipment.limits
        facts = SandboxFacts(
            name=f"{self.run.id}-{self.run.attempt}",
            driver=self.equipment.driver.name,
            limits={"memoryBytes": limits.memory_bytes, "processes": limits.processes, "diskBytes": limits.disk_bytes},
            log=self.transcript.raw.text(),
        )
        if exit is None:
            return facts
        return replace(
            facts,
            exit_code=exit.exit_code,
            killed_by=exit.killed_by,
            wall_seconds=exit.wall_seconds,
            cpu_seconds=exit.cpu_seconds,
            peak_memory_bytes=exit.peak_memory_bytes,
            processes_left=exit.processes_left,
        )

    def _changes(self) -> Changes | None:
        patch = self.patch
        if patch is None:
            return None
        paths = tuple(change.path for change in patch.paths[:SHOWN_PATHS])
        return Changes(patch.files, patch.insertions, patch.deletions, patch.commit, paths)

    async def _note(self, text: str) -> None:
        await self.transcript.add(EventDraft(EventType.LOG, text, payload={"stream": "mogplex"}))
