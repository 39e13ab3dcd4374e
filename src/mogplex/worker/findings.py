"""What one attempt finds out, and the ending and records that follow from it. Decides nothing by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mogplex.domain.check_files import CheckFiles
from mogplex.domain.ending import Delivered, Facts, claim_fault, conclude, failure_of
from mogplex.domain.ports import Claim, Limits, SandboxExit
from mogplex.domain.run import Changes, Ending, Run, Timing, Verdict
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.usage import Usage
from mogplex.worker.stop import Stop
from mogplex.workspace.patch import Patch

SHOWN_PATHS = 100


@dataclass(slots=True)
class Findings:
    """Filled in as the attempt goes on; what has not happened keeps its first value."""

    claim: Claim | None = None
    exit: SandboxExit | None = None
    check_files: CheckFiles = CheckFiles()
    enforced: Mapping[str, str] = field(default_factory=dict)  # how each limit of the sandbox was held
    chosen: bool = False  # the work is that of a contest's winner, whose own run has ended well
    lingered: bool = False  # it stayed after its last record, and was ended for that
    patch: Patch | None = None
    verdict: Verdict = Verdict.NOT_RUN
    baseline: Verdict | None = None
    delivered: Delivered = Delivered.NOT_TRIED
    output_valid: bool = True
    pull_request_url: str | None = None
    partial: bool = False
    detail: str = ""

    @property
    def exit_code(self) -> int | None:
        return self.exit.exit_code if self.exit else None

    @property
    def claim_counts(self) -> bool:
        """Whether the harness ended as one does that has succeeded: only then is its work checked and delivered."""
        return claim_fault(self.claim, self.exit_code, self.lingered or self.chosen) is None

    def changes(self) -> Changes | None:
        patch = self.patch
        if patch is None:
            return None
        paths = tuple(change.path for change in patch.paths[:SHOWN_PATHS])
        return Changes(patch.files, patch.insertions, patch.deletions, patch.commit, paths)

    def touched(self) -> tuple[str, ...]:
        """The files that checks depend on among those that the patch changes."""
        paths = [change.path for change in self.patch.paths] if self.patch else []
        return self.check_files.touched(paths)

    def facts(self, run: Run, stop: Stop) -> Facts:
        """What the outcome follows from."""
        return Facts(
            # What was pushed is pushed: a stop that came later is too late to be the cause.
            cause=None if self.delivered is Delivered.DONE else stop.cause,
            claim=self.claim,
            exit_code=self.exit_code,
            lingered=self.lingered or self.chosen,
            output_valid=self.output_valid,
            checks_wanted=bool(run.checks),
            verdict=self.verdict,
            changed=self.patch is not None,
            delivered=self.delivered,
            detail=stop.detail if stop.cause else self.detail,
        )

    def ending(self, run: Run, stop: Stop, usage: Usage, timing: Timing) -> Ending:
        """The one final record."""
        outcome, error = conclude(self.facts(run, stop))
        return Ending(
            outcome=outcome,
            verdict=self.verdict,
            error=error,
            failure=failure_of(outcome),
            baseline=self.baseline,
            tests_touched=self.touched(),
            usage=usage,
            changes=self.changes(),
            pull_request_url=self.pull_request_url,
            partial=self.partial,
            session=self.claim.session if self.claim else None,
            result=self.claim.result if self.claim else None,
            timing=timing,
            summary=self.claim.summary if self.claim else "",
        )

    def sandbox_facts(self, name: str, driver: str, limits: Limits, log: str) -> SandboxFacts:
        """What is known of the harness's sandbox; `log` is what it printed."""
        facts = SandboxFacts(
            name=name,
            driver=driver,
            limits={"memoryBytes": limits.memory_bytes, "processes": limits.processes, "diskBytes": limits.disk_bytes},
            enforced=self.enforced,
            log=log,
        )
        if self.exit is None:
            return facts
        return replace(
            facts,
            exit_code=self.exit.exit_code,
            killed_by=self.exit.killed_by,
            wall_seconds=self.exit.wall_seconds,
            cpu_seconds=self.exit.cpu_seconds,
            peak_memory_bytes=self.exit.peak_memory_bytes,
            processes_left=self.exit.processes_left,
        )
