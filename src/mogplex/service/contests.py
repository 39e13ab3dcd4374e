"""Contests on their way: the next contender begins, the best is chosen, its work goes on to delivery or the run ends.

Looked after from outside every few seconds by every worker, so that nothing is lost when any of them dies: each step is
one transaction that holds the run's row.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from mogplex.domain.contest import Contest
from mogplex.domain.contest_choice import budget_of_next, choose, needs_next
from mogplex.domain.ending import failure_of
from mogplex.domain.errors import ServiceUnavailable
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.run import Delivery, Ending, Run, Status
from mogplex.service.ending import end_run
from mogplex.service.events import QUEUE, EventHub
from mogplex.service.ids import generate_id
from mogplex.service.known_secrets import KnownSecrets
from mogplex.service.places import Places
from mogplex.service.queued import queued_draft
from mogplex.store import events as event_table
from mogplex.store import patches as patch_table
from mogplex.store import repos as repo_table
from mogplex.store import runs as run_table
from mogplex.store.database import Database, Transaction
from mogplex.store.schema import runs

MOST_AT_ONCE = 200
_log = logging.getLogger(__name__)


class Contests:
    def __init__(self, database: Database, places: Places, hub: EventHub, known_secrets: KnownSecrets) -> None:
        self._database = database
        self._places = places
        self._hub = hub
        self._known_secrets = known_secrets

    def advance(self) -> None:
        """Take every waiting contest as far as it can go now."""
        waiting = [run_table.OPEN, runs.c.status == Status.PENDING, runs.c.contest.is_not(None), runs.c.attempt == 0]
        with self._database.read() as tx:
            found = run_table.select_oldest(tx, waiting, MOST_AT_ONCE)
        for run in found:
            try:
                self._advance_one(run.id)
            except ServiceUnavailable:
                raise
            except Exception:  # noqa: BLE001 - a fault of one contest must not stop those behind it
                _log.exception("the contest %s could not be advanced", run.id)

    def _advance_one(self, run_id: str) -> None:
        with self._database.write() as tx:
            changed = self._step(tx, run_id)
        for each in changed:
            self._hub.publish(each.id, each.last_seq)
        if changed:
            self._hub.publish(QUEUE, 0)

    def tend(self) -> None:
        """`advance`, for a thread that has more important things to do than to die of a fault in here."""
        try:
            self.advance()
        except ServiceUnavailable:
            raise  # the database is away: that is its matter too
        except Exception:  # noqa: BLE001 - it is looked at again in a moment, and heartbeats must not stop for it
            _log.exception("contests could not be advanced")

    def _step(self, tx: Transaction, run_id: str) -> list[Run]:
        run = run_table.get(tx, run_id, lock=True)
        if run is None or run.contest is None or run.status is not Status.PENDING or run.contest.winner is not None:
            return []
        made = [run_table.get(tx, each) for each in run.contest.contenders]
        ended = [each for each in made if each is not None and each.status.is_terminal]
        news = [each for each in ended if each.id not in run.contest.told]
        if news:
            contest = replace(run.contest, told=(*run.contest.told, *(each.id for each in news)))
            run = _note(tx, run, contest, [_finished(each) for each in news]) or run
        if len(ended) < len(made):
            return [run] if news else []
        if run.contest is not None and needs_next(run.contest, ended):
            return start_contender(tx, run, self._places, self._known_secrets, ended)
        return self._decide(tx, run, choose(ended))

    def _decide(self, tx: Transaction, run: Run, best: Run) -> list[Run]:
        assert run.contest is not None
        payload = {"contender": best.contender, "runId": best.id, "harness": best.harness, "verdict": best.verdict}
        text = f"Contender {best.contender} ({best.harness}) is the best: {best.outcome}, {best.verdict}"
        chosen = EventDraft(EventType.CONTENDER_CHOSEN, text, payload=payload)
        decided = _note(tx, run, replace(run.contest, winner=best.id), [chosen])
        if decided is None:
            return []
        if best.status is Status.SUCCESS and best.changes is not None:
            ready = run_table.advance(tx, [runs.c.id == decided.id], {"ready_at": tx.now}, 0)
            return [ready or decided]
        diff = patch_table.get(tx, best.id)
        if diff is not None:
            patch_table.put(tx, decided.id, 0, diff)
        error = f"None of the {len(run.contest.contenders)} contenders succeeded; the best, {best.id}: {best.error}"
        ending = Ending(
            best.outcome or run.outcome,  # type: ignore[arg-type]  # an ended run has one
            best.verdict,  # type: ignore[arg-type]  # and a verdict
            None if best.status is Status.SUCCESS else error,
            failure_of(best.outcome) if best.outcome else None,
            baseline=best.baseline,
            tests_touched=best.tests_touched,
            changes=best.changes,
            result=best.result,
        )
        still = [runs.c.id == decided.id, runs.c.status == Status.PENDING]
        # With its patch and what that applies to, it can be resumed like any other run.
        values = {"base_commit": best.base_commit}
        ended = end_run(tx, decided, still, ending, self._known_secrets.sanitiser(), values=values)
        return [] if ended is None else [ended]


def start_contender(
    tx: Transaction, run: Run, places: Places, known_secrets: KnownSecrets, ended: Sequence[Run] = ()
) -> list[Run]:
    """Make and queue the next contender of `run`, after those that `ended`. Returns it, and the run with it noted."""
    contest = run.contest
    assert contest is not None
    number = len(contest.contenders) + 1
    contender = replace(
        run,
        id=generate_id("run"),
        harness=contest.harnesses[number - 1],
        idempotency_key=f"contender:{run.id}:{number}",
        request_hash=f"contender:{run.id}:{number}",
        delivery=Delivery.PATCH,
        deliver_partial=False,
        notify_url=None,
        notify_webhook=None,
        budget=budget_of_next(contest, run.budget, ended),
        contest=None,
        contender_of=run.id,
        contender=number,
        retry_of=None,
        created_at=tx.now,
        updated_at=tx.now,
        ready_at=tx.now,
        last_seq=1,
    )
    run_table.insert(tx, contender)
    sanitiser = known_secrets.sanitiser_of(tx, contender, repo_table.get(tx, run.repo_id))
    draft = queued_draft(contender, places.ahead_of(tx, contender) + 1)
    event_table.append(tx, contender.id, 1, 0, [replace(draft, payload=sanitiser.payload(draft.payload))])
    payload = {"contender": number, "runId": contender.id, "harness": contender.harness}
    text = f"Contender {number} of {len(contest.harnesses)}: {contender.harness}, {contender.id}"
    started = EventDraft(EventType.CONTENDER_STARTED, text, payload=payload)
    noted = _note(tx, run, contest.with_contender(contender.id), [started])
    return [contender, *([noted] if noted else [])]


def _note(tx: Transaction, run: Run, contest: Contest, drafts: Sequence[EventDraft]) -> Run | None:
    still = [runs.c.id == run.id, runs.c.status == Status.PENDING]
    noted = run_table.advance(tx, still, {"contest": contest}, len(drafts))
    if noted is not None:
        event_table.append(tx, run.id, noted.last_seq, 0, drafts)
    return noted


def _finished(run: Run) -> EventDraft:
    payload = {
        "contender": run.contender,
        "runId": run.id,
        "harness": run.harness,
        "status": run.status,
        "outcome": run.outcome,
        "verdict": run.verdict,
        "changes": None if run.changes is None else {"files": run.changes.files, "lines": _size(run)},
        "costUsd": run.cost_usd,
        "costKnown": run.cost_known,
    }
    text = f"Contender {run.contender} ({run.harness}) ended: {run.outcome}, {run.verdict}"
    return EventDraft(EventType.CONTENDER_FINISHED, text, payload=payload)


def _size(run: Run) -> int:
    return run.changes.insertions + run.changes.deletions if run.changes else 0
