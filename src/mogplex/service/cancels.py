"""Stopping a run on a caller's wish: at once while it waits, by asking its worker while it is played."""

from __future__ import annotations

from mogplex.domain.access import Caller
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.run import Outcome, Run, Status
from mogplex.domain.sanitiser import Sanitiser
from mogplex.service.ending import end_run, synthesize
from mogplex.store import events as event_table
from mogplex.store import runs as run_table
from mogplex.store.database import Transaction
from mogplex.store.schema import runs


def stop_run(tx: Transaction, run: Run, caller: Caller, sanitiser: Sanitiser) -> Run | None:
    """The run after the wish was noted: ended if it was pending; None when somebody had asked before."""
    if run.status is Status.PENDING:
        return _end_pending(tx, run, caller, sanitiser)
    return _ask_to_stop(tx, run, caller)


def _end_pending(tx: Transaction, run: Run, caller: Caller, sanitiser: Sanitiser) -> Run | None:
    return end_run(
        tx,
        run,
        [runs.c.id == run.id, runs.c.status == Status.PENDING],
        synthesize(Outcome.CANCELLED_BY_CALLER, "Cancelled before it started.", synthesized=False),
        sanitiser,
        before=[_cancel_draft(caller)],
        values={"cancel_requested_at": tx.now, "cancel_requested_by": caller.key_id},
    )


def _ask_to_stop(tx: Transaction, run: Run, caller: Caller) -> Run | None:
    open_still = (runs.c.status == Status.STREAMING, runs.c.cancel_requested_at.is_(None))
    values = {"cancel_requested_at": tx.now, "cancel_requested_by": caller.key_id}
    asked = run_table.advance(tx, [runs.c.id == run.id, *open_still], values, 1)
    if asked is not None:
        event_table.append(tx, run.id, asked.last_seq, asked.attempt, [_cancel_draft(caller)])
    return asked


def _cancel_draft(caller: Caller) -> EventDraft:
    payload = {"by": caller.key_name, "keyId": caller.key_id}
    return EventDraft(EventType.CANCEL_REQUESTED, f"Cancel requested by {caller.key_name}", payload=payload)
