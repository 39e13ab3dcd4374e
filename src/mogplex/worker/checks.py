"""The repo owner's checks: on the base and on base + patch, each on a fresh checkout in a fresh sandbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from mogplex.domain.check import CheckRecord, CheckTarget
from mogplex.domain.errors import SandboxError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import Mount, SandboxExit, SandboxSpec
from mogplex.domain.run import Run, Verdict
from mogplex.domain.secret import Phase
from mogplex.domain.verdict import CheckEnd, TestCounts, calls_pytest, combine, is_test_path, judge
from mogplex.worker.egress import Egress
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

    def __init__(self, run: Run, equipment: Equipment, transcript: Transcript, stop: Stop, egress: Egress) -> None:
        self._egress = egress
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
        on_patch = self._on_patch(start, patch, command, number)
        known = await patiently(
            self._equipment.attempts.cached_baseline, self._run.repo_id, start.commit, command, start.check_key
        )
        if known is not None:
            await self._tell(replace(known, cached=True))
            base_end, patch_end = _end_of(known), await on_patch
        else:
            base_end, patch_end = await asyncio.gather(self._on_base(start, command, number), on_patch)
        baseline, base_reason = judge(base_end)
        if patch_end is None:
            return baseline, baseline, base_reason
        verdict, reason = judge(patch_end, base_end)
        return verdict, baseline, reason

    async def _on_base(self, start: StartPoint, command: str, number: int) -> CheckEnd:
        checkout = await start.check_out(f"base-{number}")
        end, record = await self._execute(start, checkout, command, CheckTarget.BASE, number)
        if end.sandbox_error is None and end.killed_by is None:
            await patiently(self._equipment.attempts.save_baseline, self._run, start.commit, record, start.check_key)
        return end

    async def _on_patch(self, start: StartPoint, patch: Patch | None, command: str, number: int) -> CheckEnd | None:
        if patch is None:
            return None
        checkout = await start.check_out_patch(patch, f"patch-{number}")
        end, _ = await self._execute(start, checkout, command, CheckTarget.PATCH, number)
        return end

    async def _execute(
        self, start: StartPoint, checkout: Checkout, command: str, target: CheckTarget, number: int
    ) -> tuple[CheckEnd, CheckRecord]:
        """One command in one sandbox, told by two events and kept as a record with its output."""
        begin = EventDraft(
            EventType.CHECK_STARTED, f"{command} on {target}", payload={"command": command, "target": target}
        )
        await self._transcript.add(begin)
        report_folder = start.folder / f"report-{target}-{number}"
        self._equipment.layout.create_private(report_folder)
        output = RawLog()
        begun = time.monotonic()
        try:
            name = f"{target}-{number}"
            exit = await self._stop.or_result(self._in_sandbox(start, checkout, command, name, report_folder, output))
            tests = await asyncio.to_thread(read_tests, report_folder / REPORT_FILE)
            counts_expected = calls_pytest(command) and not COUNTING.keys() & start.environment_for(Phase.CHECKS).keys()
            end = CheckEnd(exit.exit_code, exit.killed_by, tests, counts_expected=counts_expected)
        except SandboxError as fault:
            end = CheckEnd(None, sandbox_error=fault.message)
        verdict, reason = judge(end)
        record = CheckRecord(
            command=command,
            target=target,
            verdict=verdict,
            exit_code=end.exit_code,
            output=output.text(),
            duration_ms=round((time.monotonic() - begun) * 1000),
            tests_passed=end.tests.passed if end.tests else None,
            tests_failed=end.tests.failed if end.tests else None,
            detail=reason,
            attempt=self._run.attempt,
        )
        await self._tell(record)
        return end, record

    async def _tell(self, record: CheckRecord) -> None:
        await patiently(self._equipment.attempts.save_check, self._run, record)
        told = {name: value for name, value in record.as_wire().items() if name not in ("output", "attempt")}
        text = f"{record.command} on {record.target}: {record.detail}"
        await self._transcript.add(EventDraft(EventType.CHECK_FINISHED, text, payload=told))

    async def _in_sandbox(
        self, start: StartPoint, checkout: Checkout, command: str, name: str, report_folder: Path, output: RawLog
    ) -> SandboxExit:
        tools, prepared = self._equipment.tools, start.prepared
        spec = SandboxSpec(
            name=f"{self._run.id}-{self._run.attempt}-{name}",
            argv=("/bin/sh", "-c", command),
            mounts=(
                *checkout.mounts(),
                *prepared.mounts,
                *tools.mounts,
                Mount(report_folder, REPORT_FOLDER, writable=True),
            ),
            environment={
                **tools.environment,
                **prepared.environment,
                **COUNTING,
                **start.environment_for(Phase.CHECKS),
            },
            path=(*prepared.path, *tools.path),
            directory=work_directory(self._run),
            limits=replace(self._equipment.limits, wall_seconds=self._equipment.check_timeout_seconds),
        )
        process = await self._equipment.driver.start(self._egress.equip(spec))
        self._egress.serve(process)
        try:
            await asyncio.gather(_keep(process.stdout, output), _keep(process.stderr, output))
            return await process.wait()
        finally:
            process.kill()
            await process.wait()


def _end_of(record: CheckRecord) -> CheckEnd:
    """What a stored baseline still tells of how it ended."""
    counted = record.tests_passed is not None and record.tests_failed is not None
    tests = TestCounts(record.tests_passed or 0, record.tests_failed or 0, 0) if counted else None
    return CheckEnd(record.exit_code, tests=tests)


async def _keep(chunks: AsyncIterator[bytes], output: RawLog) -> None:
    async for chunk in chunks:
        output.add(chunk)
