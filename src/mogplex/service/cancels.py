"""Stopping a run on a caller's wish: at once while it waits, by asking its worker while it is played."""

from __future__ import annotations

from mogplex.domain.access import Caller
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.run import Delivery, Outcome, Run, Status
from mogplex.domain.sanitiser import Sanitiser
from mogplex.service.ending import end_run, synthesize
from mogplex.store import events as event_table
from mogplex.store import runs as run_table
from mogplex.store.database import Transaction
from mogplex.store.schema import runs

MOST_SUPERSEDED = 1000


def stop_run(
    tx: Transaction, run: Run, caller: Caller, sanitiser: Sanitiser, *, superseded_by: str | None = None
) -> Run | None:
    """The run after the wish was noted: ended if it was pending; None when somebody had asked before."""
    if run.status is Status.PENDING:
        return _end_pending(tx, run, caller, sanitiser, superseded_by)
    return _ask_to_stop(tx, run, caller, superseded_by)


def supersede(tx: Transaction, newer: Run, caller: Caller, sanitiser: Sanitiser) -> list[Run]:
    """Stop every other run that would push to the branch of `newer`, with its contenders. Returns those it changed."""
    open_still = [
        runs.c.repo_id == newer.repo_id,
        runs.c.working_branch == newer.working_branch,
        runs.c.delivery != Delivery.PATCH,
        run_table.OPEN,
        runs.c.id != newer.id,
    ]
    stopped: list[Run | None] = []
    for seen in run_table.select(tx, open_still, MOST_SUPERSEDED):
        run = run_table.get(tx, seen.id, lock=True)
        if run is not None and not run.status.is_terminal:
            stopped.append(stop_run(tx, run, caller, sanitiser, superseded_by=newer.id))
            stopped += stop_contenders(tx, run, caller, sanitiser, superseded_by=newer.id)
    return [run for run in stopped if run is not None]


def stop_contenders(
    tx: Transaction, run: Run, caller: Caller, sanitiser: Sanitiser, *, superseded_by: str | None = None
) -> list[Run]:
    """Stop those contenders of `run` that have not ended, if it is a contest. Returns those it changed."""
    found = [run_table.get(tx, each, lock=True) for each in (run.contest.contenders if run.contest else ())]
    open_still = [each for each in found if each is not None and not each.status.is_terminal]
    stopped = [stop_run(tx, each, caller, sanitiser, superseded_by=superseded_by) for each in open_still]
    return [each for each in stopped if each is not None]


def _end_pending(
    tx: Transaction, run: Run, caller: Caller, sanitiser: Sanitiser, superseded_by: str | None
) -> Run | None:
    outcome, why = Outcome.CANCELLED_BY_CALLER, "Cancelled before it started."
    if superseded_by is not None:
        outcome, why = Outcome.SUPERSEDED, f"{superseded_by} took its place before it started."
    return end_run(
        tx,
        run,
        [runs.c.id == run.id, runs.c.status == Status.PENDING],
        synthesize(outcome, why, synthesized=False),
        sanitiser,
        before=[_draft(caller, superseded_by)],
        values=_values(tx, caller, superseded_by),
    )


def _ask_to_stop(tx: Transaction, run: Run, caller: Caller, superseded_by: str | None) -> Run | None:
    open_still = (runs.c.status == Status.STREAMING, runs.c.cancel_requested_at.is_(None))
    asked = run_table.advance(tx, [runs.c.id == run.id, *open_still], _values(tx, caller, superseded_by), 1)
    if asked is not None:
        event_table.append(tx, run.id, asked.last_seq, asked.attempt, [_draft(caller, superseded_by)])
    return asked


def _values(tx: Transaction, caller: Caller, superseded_by: str | None) -> dict[str, object]:
    asked = {"cancel_requested_at": tx.now, "cancel_requested_by": caller.key_id}
    return asked if superseded_by is None else {**asked, "superseded_by": superseded_by}


def _draft(caller: Caller, superseded_by: str | None) -> EventDraft:
    payload = {"by": caller.key_name, "keyId": caller.key_id, "supersededBy": superseded_by}
    text = f"Cancel requested by {caller.key_name}"
    if superseded_by is not None:
        text += f": {superseded_by} takes its place"
    return EventDraft(EventType.CANCEL_REQUESTED, text, payload=payload)
