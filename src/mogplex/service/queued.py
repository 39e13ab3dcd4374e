"""The first event of every run."""

from __future__ import annotations

from mogplex.domain.event import SCHEMA_VERSION, EventDraft, EventType
from mogplex.domain.run import Run


def queued_draft(run: Run, position: int) -> EventDraft:
    branch = {"base": run.base_branch, "working": run.working_branch, "createBranch": run.create_branch}
    payload = {
        "schemaVersion": SCHEMA_VERSION,
        "harness": run.harness,
        "branch": branch,
        "position": position,
        "retryOf": run.retry_of,
    }
    return EventDraft(EventType.QUEUED, f"Queued for {run.harness}, position {position}", payload=payload)
