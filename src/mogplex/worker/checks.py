"""The repo owner's checks: on the base and on base + patch, each on a fresh checkout in a fresh sandbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from mogplex.domain.check import CheckRecord
from mogplex.domain.errors import SandboxError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import Mount, SandboxExit, SandboxSpec
from mogplex.domain.run import Run, Verdict
from mogplex.domain.verdict import CheckEnd, combine, is_test_path, judge
from mogplex.worker.equipment import Equipment
from mogplex.worker.harness_run import work_directory
from mogplex.worker.junit import read_tests
from mogplex.worker.patience import patiently
from mogplex.worker.start_point import StartPoint
from mogplex.worker.stop import Stop
from mogplex.worker.transcript import RawLog, Transcript
from mogplex.workspace.checkout import Checkout
from mogplex.workspace.patch import Patch

REPORT_FILE = "junit.xml"
REPORT_FOLDER = "/report"
# pytest writes the counts down wherever it is called from, also behind `make test`.
COUNTING = {"PYTEST_ADDOPTS": f"--junitxml={REPORT_FOLDER}/{REPORT_FILE} -o junit_family=xunit2 -p no:cacheprovider"}


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What all checks together say; `detail` is the reason of the first that did not pass."""

    verdict: Verdict
    baseline: Verdict
    detail: str


class Checks:
    """Runs the checks of one run."""

    def __init__(self, run: Run, equipment: Equipment, transcript: Transcript, stop: Stop) -> None:
        self._run = run
        self._equipment = equipment
        self._transcript = transcript
        self._stop = stop

    async def run_all(self, start: StartPoint, patch: Patch | None) -> CheckReport:
        """Every check on the base and, when there is a patch, on base + patch. Raises Stopped."""
        verdicts, baselines, reasons = [], [], []
        for number, command in enumerate(self._run.checks, start=1):
            verdict, baseline, reason = await self._run_one(start, patch, command, number)
            verdicts.append(verdict)
            baselines.append(baseline)
            if verdict is not Verdict.VERIFIED:
                reasons.append(f"Check `{command}`: {reason}.")
        verdict = combine(verdicts)
        if verdict is Verdict.VERIFIED and patch and all(is_test_path(change.path) for change in patch.paths):
            verdict = Verdict.INCONCLUSIVE
            reasons.append("The patch changes only tests or their configuration, so passing them proves nothing.")
        return CheckReport(verdict, combine(baselines), " ".join(reasons))

    async def _run_one(
        self, start: StartPoint, patch: Patch | None, command: str, number: int
    ) -> tuple[Verdict, Verdict, str]:
        attempts = self._equipment.attempts
        known = await patiently(attempts.cached_baseline, self._run, start.commit, command)
        on_patch = self._on_patch(start, patch, command, number)
        if known is not None:
            base_end = known
            patch_end = await on_patch if patch else None
        else:
            base_end, patch_end = await asyncio.gather(self._on_base(start, command, number), on_patch)
            if base_end.sandbox_error is None and base_end.killed_by is None:
                await patiently(attempts.save_baseline, self._run, start.commit, command, base_end)
        baseline, base_reason = judge(base_end)
        if patch_end is None:
            return baseline, baseline, base_reason
        verdict, reason = judge(patch_end, base_end)
        return verdict, baseline, reason

    async def _on_base(self, start: StartPoint, command: str, number: int) -> CheckEnd:
        checkout = await start.check_out(self._equipment, f"base-{number}")
        return await self._execute(checkout, command, f"base-{number}", "base")

    async def _on_patch(self, start: StartPoint, patch: Patch | None, command: str, number: int) -> CheckEnd | None:
        if patch is None:
            return None
        checkout = await start.check_out_patch(self._equipment, patch, f"patch-{number}")
        return await self._execute(checkout, command, f"patch-{number}", "patch")

    async def _execute(self, checkout: Checkout, command: str, name: str, phase: str) -> CheckEnd:
        """One command in one sandbox, told by two events and kept as a record with its output."""
        started = {"command": command, "phase": phase}
        await self._transcript.add(EventDraft(EventType.CHECK_STARTED, command, payload=started))
        report_folder = await self._equipment.layout.make_run_folder(self._run.id, self._run.attempt, f"report-{name}")
        output = RawLog()
        begun = time.monotonic()
        try:
            exit = await self._stop.or_result(self._in_sandbox(checkout, command, name, report_folder, output))
            tests = await asyncio.to_thread(read_tests, report_folder / REPORT_FILE)
            end = CheckEnd(exit.exit_code, exit.killed_by, tests)
        except SandboxError as fault:
            end = CheckEnd(None, sandbox_error=fault.message)
        duration_ms = round((time.monotonic() - begun) * 1000)
        verdict, reason = judge(end)
        record = CheckRecord(
            command=command,
            phase=phase,
            verdict=verdict,
            reason=reason,
            exit_code=end.exit_code,
            tests=end.tests.as_wire() if end.tests else None,
            duration_ms=duration_ms,
            output=output.text(),
        )
        await patiently(self._equipment.attempts.save_check, self._run, record)
        finished = {
            **started,
            "exitCode": end.exit_code,
            "tests": record.tests,
            "durationMs": duration_ms,
            "verdict": verdict,
            "reason": reason,
        }
        await self._transcript.add(EventDraft(EventType.CHECK_FINISHED, f"{command}: {reason}", payload=finished))
        return end

    async def _in_sandbox(
        self, checkout: Checkout, command: str, name: str, report_folder: Path, output: RawLog
    ) -> SandboxExit:
        toolkit = self._equipment.toolkit
        spec = SandboxSpec(
            name=f"{self._run.id}-{self._run.attempt}-{name}",
            argv=("/bin/sh", "-c", command),
            mounts=(*checkout.mounts(), *toolkit.mounts, Mount(report_folder, REPORT_FOLDER, writable=True)),
            environment={**toolkit.environment, **COUNTING, **self._run.environment},
            path=toolkit.path,
            directory=work_directory(self._run),
            limits=replace(self._equipment.limits, wall_seconds=self._equipment.check_timeout_seconds),
        )
        process = await self._equipment.driver.start(spec)
        try:
            await asyncio.gather(_keep(process.stdout, output), _keep(process.stderr, output))
            return await process.wait()
        finally:
            process.kill()
            await process.wait()


async def _keep(chunks: AsyncIterator[bytes], output: RawLog) -> None:
    async for chunk in chunks:
        output.add(chunk)
