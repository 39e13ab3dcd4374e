"""Asking for a run's branch to be merged: one pull request a branch, opened or brought up to date."""

from __future__ import annotations

import asyncio
import random
import threading

from mogplex.domain.forge import DEFAULT_LABELS, ForgeBusy, ForgeFault
from mogplex.domain.pull_request import Proposal, Proposed
from mogplex.domain.repo import Repo
from mogplex.domain.run import Run, Verdict
from mogplex.forges.proposing import propose
from mogplex.service.attempts import Attempts
from mogplex.worker.equipment import Equipment
from mogplex.worker.findings import Findings
from mogplex.worker.patience import patiently
from mogplex.worker.proposal import MAX_TITLE_CHARACTERS, Evidence, write_section
from mogplex.worker.start_point import StartPoint

PAUSES_SECONDS = (1.0, 4.0, 15.0, 30.0)  # after each answer that says "not now"
LONGEST_PAUSE_SECONDS = 120.0  # a forge that wants a longer one is left to a retry
MAX_SECTION_BYTES = 48_000


async def request_merge(
    run: Run, start: StartPoint, equipment: Equipment, findings: Findings, partial: str | None = None
) -> Proposed:
    """`partial`: the outcome of a run that is no success. Raises ForgeFault that says what to do."""
    forge = await asyncio.to_thread(equipment.forges.open, start.repo, start.secrets)
    proposal = await _describe(run, start.repo, equipment, findings, partial)
    pauses, given_up = list(PAUSES_SECONDS), threading.Event()
    while True:
        try:
            return await asyncio.to_thread(propose, forge, proposal, lambda: not given_up.is_set())
        except asyncio.CancelledError:
            given_up.set()  # the thread goes on, and must change nothing from now on
            raise
        except ForgeBusy as busy:
            wanted = busy.retry_after_seconds or 0.0
            if not pauses or wanted > LONGEST_PAUSE_SECONDS:
                told = f" It wants {wanted:.0f} s of patience." if wanted else ""
                raise ForgeFault(f"{busy.message}{told} Retry the run when the forge is well again.") from busy
            await asyncio.sleep(max(pauses.pop(0) * random.uniform(0.8, 1.2), wanted))


async def _describe(run: Run, repo: Repo, equipment: Equipment, findings: Findings, partial: str | None) -> Proposal:
    attempts: Attempts = equipment.attempts
    checks = await patiently(attempts.checks_of, run)
    evidence = Evidence(
        run, findings.verdict, findings.changes(), findings.touched(), tuple(checks), _summary(findings), partial
    )
    section = write_section(evidence, equipment.public_url)
    title = run.title or f"Changes by {run.id}"
    return Proposal(
        branch=run.working_branch,
        base=run.base_branch,
        title=_one_line(await patiently(attempts.clean_text, run, title, 1000)),
        section=await patiently(attempts.clean_text, run, section, MAX_SECTION_BYTES),
        draft=partial is not None or findings.verdict is not Verdict.VERIFIED,
        labels=DEFAULT_LABELS if repo.forge.labels is None else repo.forge.labels,
    )


def _summary(findings: Findings) -> str:
    return findings.claim.summary if findings.claim else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MAX_TITLE_CHARACTERS]
