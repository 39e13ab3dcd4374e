"""A worker takes a pending run: a compare-and-set that numbers the attempt and tells it."""

from __future__ import annotations

import sqlalchemy as sa

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.run import Run, Status
from mogplex.domain.sandbox import SandboxRecord, SandboxStatus
from mogplex.domain.webhook import Topic
from mogplex.service.outbox import announce
from mogplex.store import events as event_table
from mogplex.store import runs as run_table
from mogplex.store import sandboxes as sandbox_table
from mogplex.store.database import Transaction
from mogplex.store.schema import runs


def take(tx: Transaction, run_id: str, worker_id: str, record_id: str) -> Run | None:
    """The run with its next attempt begun, `record_id` being its sandbox record; None when it is not to be had."""
    values = {
        "status": Status.STREAMING,
        "attempt": runs.c.attempt + 1,
        "worker_id": worker_id,
        "seat": worker_id,
        "sandbox_record_id": record_id,
        "started_at": sa.func.coalesce(runs.c.started_at, tx.now),
    }
    # An old hand-over that turns up late must not take a run that was handed to somebody else since.
    free = sa.or_(runs.c.seat.is_(None), runs.c.seat == worker_id)
    run = run_table.advance(tx, [runs.c.id == run_id, runs.c.status == Status.PENDING, free], values, 1)
    if run is None:
        return _taken_before(tx, run_id, worker_id, record_id)
    payload = {"attempt": run.attempt, "worker": worker_id}
    draft = EventDraft(EventType.ATTEMPT_STARTED, f"Attempt {run.attempt} on {worker_id}", payload=payload)
    event_table.append(tx, run.id, run.last_seq, run.attempt, [draft])
    sandbox_table.insert(tx, _new_record(record_id, run, worker_id, tx.now))
    announce(tx, Topic.RUN_STARTED, run.repo_id, {"runId": run.id, "attempt": run.attempt})
    return run


def _taken_before(tx: Transaction, run_id: str, worker_id: str, record_id: str) -> Run | None:
    """The run if this very claim was committed already, though its answer was lost."""
    run = run_table.get(tx, run_id)
    ours = (Status.STREAMING, worker_id, record_id)
    return run if run is not None and (run.status, run.worker_id, run.sandbox_record_id) == ours else None


def _new_record(record_id: str, run: Run, worker_id: str, now: float) -> SandboxRecord:
    return SandboxRecord(
        id=record_id,
        run_id=run.id,
        repo_id=run.repo_id,
        repo_full_name=run.repo_full_name,
        attempt=run.attempt,
        worker_id=worker_id,
        status=SandboxStatus.RUNNING,
        created_at=now,
    )
