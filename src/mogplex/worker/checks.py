"""The repo owner's checks: on the base and on base + patch, each on a fresh checkout in a fresh sandbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from mogplex.domain.check import CheckRecord, CheckTarget, Reason
from mogplex.domain.check_files import CheckFiles
from mogplex.domain.errors import SandboxError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import Mount, SandboxExit, SandboxSpec
from mogplex.domain.repo import Repo
from mogplex.domain.run import CheckPolicy, Run, Verdict
from mogplex.domain.secret import Phase
from mogplex.domain.verdict import CheckEnd, Judgement, TestCounts, calls_pytest, combine, judge
from mogplex.worker.check_command import COUNTING, REPORT_FOLDER, shell_arguments
from mogplex.worker.egress import Egress
from mogplex.worker.equipment import Equipment
from mogplex.worker.harness_run import work_directory
from mogplex.worker.junit import read_folder
from mogplex.worker.patience import patiently
from mogplex.worker.start_point import StartPoint
from mogplex.worker.stop import Stop
from mogplex.worker.transcript import RawLog, Transcript
from mogplex.workspace.checkout import Checkout
from mogplex.workspace.patch import Patch
from mogplex.workspace.protection import take_from_base


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
        files = check_files_of(self._run, start.repo)
        checked, guard = await self._choose_commits(start, patch, files)
        verdicts, baselines, reasons = [], [], []
        for number, command in enumerate(self._run.checks, start=1):
            on_patch, on_base = await self._run_one(start, checked, guard, command, number)
            verdicts.append(on_patch.verdict)
            baselines.append(on_base.verdict)
            if on_patch.verdict is not Verdict.VERIFIED:
                reasons.append(f"Check `{command}`: {on_patch.detail}.")
        verdict = combine(verdicts)
        if verdict is Verdict.VERIFIED and patch and all(files.is_test(each.path) for each in patch.paths):
            verdict = Verdict.INCONCLUSIVE
            reasons.append("The patch changes only tests or their configuration, so passing them proves nothing.")
        return CheckReport(verdict, combine(baselines), " ".join(reasons))

    async def _choose_commits(
        self, start: StartPoint, patch: Patch | None, files: CheckFiles
    ) -> tuple[str | None, str | None]:
        """What is checked, and with which commit that is guarded: the patch with the base's own tests."""
        if patch is None:
            return None, None
        protect = self._run.protect_tests
        if protect:
            return await take_from_base(start.results, patch, files.is_depended_on), None
        if protect is False or all(files.is_test(each.path) for each in patch.paths):
            return patch.commit, None
        guard = await take_from_base(start.results, patch, files.is_guarded)
        return patch.commit, None if guard == patch.commit else guard

    async def _run_one(
        self, start: StartPoint, commit: str | None, guard: str | None, command: str, number: int
    ) -> tuple[Judgement, Judgement]:
        """What the check says of `commit` (of the base when that is None), and what it says of the base."""
        known = await patiently(
            self._equipment.attempts.cached_baseline, self._run.repo_id, start.commit, command, start.check_key
        )
        if known is not None:
            await self._tell(replace(known, cached=True))
            base, patched = _end_of(known), await self._on_patch(start, commit, command, number)
        else:
            base, patched = await asyncio.gather(
                self._on_base(start, command, number), self._on_patch(start, commit, command, number)
            )
        on_base = judge(base)
        if patched is None:
            return self._excuse(on_base), on_base
        end, record = patched
        on_patch = judge(end, base, self._run.check_policy)
        await self._tell(_judged(record, on_patch))
        if on_patch.verdict is Verdict.VERIFIED and guard is not None:
            on_patch = await self._guard(start, guard, base, on_patch, command, number)
        return on_patch, on_base

    async def _guard(
        self, start: StartPoint, commit: str, base: CheckEnd, on_patch: Judgement, command: str, number: int
    ) -> Judgement:
        """Tests that the run changed itself prove nothing unless the base's own agree."""
        checkout = await start.check_out_commit(commit, f"guard-{number}")
        end, record = await self._execute(start, checkout, command, CheckTarget.GUARD, number)
        judged = judge(end, base, self._run.check_policy)
        await self._tell(_judged(record, judged))
        if judged.verdict is Verdict.VERIFIED:
            return on_patch
        detail = f"it passes only with the tests as the run changed them; with the base's own: {judged.detail}"
        return Judgement(Verdict.INCONCLUSIVE, Reason.TESTS_CHANGED, detail)

    def _excuse(self, on_base: Judgement) -> Judgement:
        """What the base says of a run that changed nothing: it is no worse than it was."""
        if self._run.check_policy is CheckPolicy.NO_REGRESSION and on_base.verdict is Verdict.FAILED:
            return Judgement(Verdict.VERIFIED, Reason.NO_WORSE, "red before, and nothing was changed")
        return on_base

    async def _on_base(self, start: StartPoint, command: str, number: int) -> CheckEnd:
        checkout = await start.check_out(f"base-{number}")
        end, record = await self._execute(start, checkout, command, CheckTarget.BASE, number)
        record = _judged(record, judge(end))
        await self._tell(record)
        if end.sandbox_error is None and end.killed_by is None:
            await patiently(self._equipment.attempts.save_baseline, self._run, start.commit, record, start.check_key)
        return end

    async def _on_patch(
        self, start: StartPoint, commit: str | None, command: str, number: int
    ) -> tuple[CheckEnd, CheckRecord] | None:
        if commit is None:
            return None
        checkout = await start.check_out_commit(commit, f"patch-{number}")
        return await self._execute(start, checkout, command, CheckTarget.PATCH, number)

    async def _execute(
        self, start: StartPoint, checkout: Checkout, command: str, target: CheckTarget, number: int
    ) -> tuple[CheckEnd, CheckRecord]:
        """One command in one sandbox, and its record but for the verdict."""
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
            tests = await asyncio.to_thread(read_folder, report_folder)
            told = start.environment_for(Phase.CHECKS)
            counts_expected = calls_pytest(command) and "PYTEST_ADDOPTS" not in told
            end = CheckEnd(exit.exit_code, exit.killed_by, tests, counts_expected=counts_expected)
        except SandboxError as fault:
            end = CheckEnd(None, sandbox_error=fault.message)
        record = CheckRecord(
            command=command,
            target=target,
            verdict=Verdict.NOT_RUN,
            exit_code=end.exit_code,
            output=output.text(),
            duration_ms=round((time.monotonic() - begun) * 1000),
            tests_passed=end.tests.passed if end.tests else None,
            tests_failed=end.tests.failed if end.tests else None,
            tests_skipped=end.tests.skipped if end.tests else None,
            failures=_sorted_names(end.tests),
            attempt=self._run.attempt,
        )
        return end, record

    async def _tell(self, record: CheckRecord) -> None:
        await patiently(self._equipment.attempts.save_check, self._run, record)
        left_out = ("output", "attempt", "failures")
        told = {name: value for name, value in record.as_wire().items() if name not in left_out}
        text = f"{record.command} on {record.target}: {record.detail}"
        await self._transcript.add(EventDraft(EventType.CHECK_FINISHED, text, payload=told))

    async def _in_sandbox(
        self, start: StartPoint, checkout: Checkout, command: str, name: str, report_folder: Path, output: RawLog
    ) -> SandboxExit:
        tools, prepared = self._equipment.tools, start.prepared
        spec = SandboxSpec(
            name=f"{self._run.id}-{self._run.attempt}-{name}",
            argv=shell_arguments(command),
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
            image=start.repo.image,
        )
        process = await self._equipment.driver.start(self._egress.equip(spec))
        self._egress.serve(process)
        try:
            await asyncio.gather(_keep(process.stdout, output), _keep(process.stderr, output))
            return await process.wait()
        finally:
            process.kill()
            await process.wait()


def check_files_of(run: Run, repo: Repo) -> CheckFiles:
    return CheckFiles(repo.check_files, run.checks, run.root_directory)


def _end_of(record: CheckRecord) -> CheckEnd:
    """What a stored baseline still tells of how it ended."""
    counted = record.tests_passed is not None and record.tests_failed is not None
    failures = None if record.failures is None else frozenset(record.failures)
    passed, failed, skipped = record.tests_passed or 0, record.tests_failed or 0, record.tests_skipped or 0
    tests = TestCounts(passed, failed, skipped, failures) if counted else None
    return CheckEnd(record.exit_code, tests=tests)


def _judged(record: CheckRecord, judgement: Judgement) -> CheckRecord:
    return replace(record, verdict=judgement.verdict, reason=judgement.reason, detail=judgement.detail)


def _sorted_names(tests: TestCounts | None) -> tuple[str, ...] | None:
    return None if tests is None or tests.failures is None else tuple(sorted(tests.failures))


async def _keep(chunks: AsyncIterator[bytes], output: RawLog) -> None:
    async for chunk in chunks:
        output.add(chunk)
