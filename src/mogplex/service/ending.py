"""Writing a run's one final record: status, columns and `finished` event, in one transaction, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mogplex.domain.ending import failure_of
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.run import Ending, Outcome, Run, Timing, Verdict
from mogplex.domain.sandbox import SandboxStatus
from mogplex.domain.sanitiser import Sanitiser
from mogplex.domain.webhook import Topic
from mogplex.service.notify import notify_ending
from mogplex.service.outbox import announce
from mogplex.store import events as event_table
from mogplex.store import facts as facts_table
from mogplex.store import hooks as hook_table
from mogplex.store import model_calls as call_table
from mogplex.store import runs as run_table
from mogplex.store import sandboxes as sandbox_table
from mogplex.store import totals as totals_table
from mogplex.store.database import Transaction
from mogplex.store.runs import Conditions

_RESULT_TEXT_BYTES = 1_000_000  # a structured result is bounded by its reader; cutting it would break its shape


def end_run(
    tx: Transaction,
    run: Run,
    conditions: Conditions,
    ending: Ending,
    sanitiser: Sanitiser,
    *,
    before: Sequence[EventDraft] = (),
    values: Mapping[str, Any] | None = None,
    sandbox_status: SandboxStatus = SandboxStatus.ENDED,
) -> Run | None:
    """End `run` if it still meets `conditions`; None when it does not, and nothing was written.

    `before` are events that come right before `finished`; `values` are further columns. What the run's model calls used
    and cost is summed up here, from their rows: whoever ends the run, and however many attempts it had.
    """
    totals = call_table.total_of_run(tx, run.id)
    ending = replace(
        clean_ending(ending, sanitiser),
        usage=totals.with_tools(ending.usage),
        cost_usd=totals.told_cost_usd,
        cost_known=totals.cost_known,
    )
    ending = replace(ending, timing=complete_timing(ending.timing, run, tx.now))
    columns = {
        "status": ending.status,
        "outcome": ending.outcome,
        "verdict": ending.verdict,
        "baseline": ending.baseline,
        "tests_touched": ending.tests_touched,
        "error": ending.error,
        "failure": ending.failure,
        "usage": ending.usage,
        "cost_usd": ending.cost_usd,
        "cost_known": ending.cost_known,
        "changes": ending.changes,
        "pull_request_url": ending.pull_request_url,
        "partial": ending.partial,
        "session": ending.session,
        "result": ending.result,
        "timing": ending.timing,
        "finished_at": tx.now,
        "seat": None,
        **(values or {}),
    }
    drafts = [*before, finished_draft(ending, sanitiser)]
    ended = run_table.advance(tx, conditions, columns, len(drafts))
    if ended is None:
        return None
    event_table.append(tx, run.id, ended.last_seq, ended.attempt, drafts)
    facts_table.record(tx, ended)
    totals_table.add(tx, ended)
    told = {"runId": run.id, "status": ending.status, "outcome": ending.outcome, "verdict": ending.verdict}
    announce(tx, Topic.RUN_FINISHED, run.repo_id, told)
    notify_ending(tx, ended, told)
    hook_table.call_up(tx, run.id)
    if ended.attempt:
        sandbox_table.end(tx, run.id, ended.attempt, sandbox_status)
    return ended


def synthesize(outcome: Outcome, error: str | None, *, synthesized: bool = True) -> Ending:
    """An ending for a run that nobody plays (any more)."""
    return Ending(outcome, Verdict.NOT_RUN, error, failure_of(outcome), synthesized=synthesized)


def finished_draft(ending: Ending, sanitiser: Sanitiser) -> EventDraft:
    payload = {
        "status": ending.status,
        "outcome": ending.outcome,
        "verdict": ending.verdict,
        "baseline": ending.baseline,
        "error": ending.error,
        "failure": ending.failure.as_wire() if ending.failure else None,
        "summary": ending.summary,
        "usage": ending.usage.as_wire(),
        "costUsd": ending.cost_usd,
        "costKnown": ending.cost_known,
        "timing": ending.timing.as_wire(),
        "changes": ending.changes.as_wire() if ending.changes else None,
        "pullRequestUrl": ending.pull_request_url,
        "partial": ending.partial,
        "synthesized": ending.synthesized,
    }
    message = f"{ending.status}: {ending.outcome}" + (f" ({ending.error})" if ending.error else "")
    return EventDraft(EventType.FINISHED, sanitiser.text(message), payload=sanitiser.payload(payload))


def clean_ending(ending: Ending, sanitiser: Sanitiser) -> Ending:
    """The ending with every text from outside made safe to keep."""
    url = ending.pull_request_url
    changes = ending.changes
    return replace(
        ending,
        error=None if ending.error is None else sanitiser.text(ending.error),
        summary=sanitiser.text(ending.summary),
        session=None if ending.session is None else sanitiser.text(ending.session, 200),
        tests_touched=tuple(sanitiser.text(path) for path in ending.tests_touched),
        pull_request_url=None if url is None else sanitiser.text(url),
        changes=None if changes is None else replace(changes, paths=tuple(sanitiser.text(p) for p in changes.paths)),
        result=None if ending.result is None else _clean_result(ending.result, sanitiser),
    )


def complete_timing(timing: Timing, run: Run, now: float) -> Timing:
    """Fill in what the database's own times tell: the wait for the first attempt, and the whole."""
    queued_ms, total_ms = timing.queued_ms, timing.total_ms
    if queued_ms is None:
        queued_ms = _milliseconds((run.started_at or now) - run.created_at)
    if total_ms is None:
        total_ms = _milliseconds(now - run.created_at)
    return replace(timing, queued_ms=queued_ms, total_ms=total_ms)


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 0)


def _clean_result(value: Any, sanitiser: Sanitiser) -> Any:
    if isinstance(value, str):
        return sanitiser.text(value, _RESULT_TEXT_BYTES)
    if isinstance(value, Mapping):
        return {sanitiser.text(str(name)): _clean_result(each, sanitiser) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_result(each, sanitiser) for each in value]
    return value
