"""`mode: repair-first`: before a model is asked, `repair` tries for a short while, without a model and without cost.

It works on a checkout of its own, so that nothing it leaves behind is in the way of the harness that comes after it.
When it fails, the harness is told what was found out: which tests fail, and where the fault probably is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mogplex.domain.ending import claim_fault
from mogplex.domain.errors import MogplexError
from mogplex.domain.mode import Mode
from mogplex.domain.ports import Claim, SandboxExit
from mogplex.domain.run import Run
from mogplex.worker.activity import Activity
from mogplex.worker.clock import PhaseClock
from mogplex.worker.conversation import Conversation
from mogplex.worker.egress import Egress
from mogplex.worker.equipment import Equipment
from mogplex.worker.findings import Findings
from mogplex.worker.harness_run import HarnessRun
from mogplex.worker.models import Models
from mogplex.worker.patience import patiently
from mogplex.worker.start_point import StartPoint
from mogplex.worker.stop import OwnershipLost, Stop, Stopped
from mogplex.worker.transcript import Transcript
from mogplex.workspace.checkout import Checkout

HARNESS = "repair"
SECONDS = 75.0  # of wall clock for the first try, start and last check included
SHARE = 0.25  # of the run's time at most
FEW_TOOL_CALLS = 20  # its uses of pytest count as tool calls too: with fewer allowed, all are left to the harness
MAX_FINDINGS_CHARACTERS = 6000

INTRODUCTION = """

---
An automatic search over small edits has run the tests of this repository before you and found no fix. What it found out
(measured facts, but the places are only probable):

"""


class FirstTry:
    """`run` is the run to go on with: its prompt knows what the try has found out."""

    def __init__(
        self, run: Run, equipment: Equipment, transcript: Transcript, stop: Stop, egress: Egress, activity: Activity
    ) -> None:
        self.run = run
        self._equipment = equipment
        self._transcript = transcript
        self._stop = stop
        self._egress = egress
        self._activity = activity

    async def play(self, start: StartPoint, clock: PhaseClock, findings: Findings) -> Checkout | None:
        """The checkout with the fix, `findings` then hold the claim; None when the harness is to be asked.

        Raises Stopped and OwnershipLost as a harness run does.
        """
        if self.run.mode != Mode.REPAIR_FIRST or self.run.harness == HARNESS:
            return None
        reason = "it goes on with earlier work" if start.kept is not None else self._reason_against()
        if reason is not None:
            await self._transcript.note(f"No first try without a model: {reason}.")
            return None
        try:
            checkout = await self._stop.or_result(start.check_out("first-try"))
            claim, exit, lingered = await self._repair(start, checkout, clock)
        except (OwnershipLost, Stopped):
            raise
        except MogplexError as fault:  # the run is not lost for it: the harness can still do the work
            await self._transcript.note(f"The first try without a model could not be made: {fault.message}")
            return None
        self._stop.check()
        found = dict(claim.result or {})
        if claim_fault(claim, exit.exit_code, lingered) is None and found.get("patch"):
            facts = await self._facts()
            findings.claim = replace(claim, result={**found, "firstTry": facts})
            findings.exit, findings.lingered = exit, lingered
            await self._transcript.note(f"Fixed without a model; {self.run.harness} was not asked, nothing was spent.")
            return checkout
        await self._transcript.note(f"The first try without a model found no fix; {self.run.harness} is asked now.")
        if claim.summary:
            told = claim.summary[:MAX_FINDINGS_CHARACTERS]
            self.run = replace(self.run, prompt=f"{self.run.prompt}{INTRODUCTION}{told}\n")
        return None

    async def _facts(self) -> dict[str, Any]:
        """For the result of a run that it fixed. What was saved is an estimate: what such runs usually cost."""
        usual_usd, runs = await patiently(self._equipment.attempts.usual_cost, self.run)
        saved_usd = None if usual_usd is None else round(usual_usd, 6)
        facts = {"harness": HARNESS, "fixed": True, "modelCalls": 0, "costUsd": 0.0}
        return {**facts, "savedUsd": saved_usd, "comparedRuns": runs}

    def _reason_against(self) -> str | None:
        if HARNESS not in self._equipment.harnesses:
            return "this worker has no repair harness"
        if self.run.output_schema is not None:
            return "its result would not have the shape that outputSchema asks for"
        limit = self.run.budget.tool_calls
        if limit is not None and limit < FEW_TOOL_CALLS:
            return f"only {limit} tool calls are allowed, and each of its uses of pytest would be one"
        return None

    async def _repair(
        self, start: StartPoint, checkout: Checkout, clock: PhaseClock
    ) -> tuple[Claim, SandboxExit, bool]:
        seconds = min(SECONDS, self.run.timeout_seconds * SHARE)
        run = replace(self.run, harness=HARNESS, model=None, timeout_seconds=seconds)
        conversation = Conversation(run, self._equipment, self._transcript)  # it has none, and needs no folder for it
        async with Models(run, self._equipment, self._transcript, self._stop, self._activity) as models:
            harness_run = HarnessRun(
                run, self._equipment, self._transcript, self._stop, self._egress, self._activity, models, conversation
            )
            process = await harness_run.start(start, checkout, clock)
            with clock.phase("running"):
                claim, exit = await harness_run.follow(process)
        return claim, exit, harness_run.lingered
