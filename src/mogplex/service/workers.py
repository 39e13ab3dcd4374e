"""Workers: their signs of life, and what becomes of the runs of those who stopped giving any."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.run import Ending, Outcome, Run, Status
from mogplex.domain.sandbox import SandboxStatus
from mogplex.domain.worker import WorkerInfo, WorkerRecord
from mogplex.service.ending import end_run, synthesize
from mogplex.service.events import QUEUE, EventHub
from mogplex.service.known_secrets import KnownSecrets
from mogplex.store import events as event_table
from mogplex.store import runs as run_table
from mogplex.store import sandboxes as sandbox_table
from mogplex.store import seats
from mogplex.store import workers as worker_table
from mogplex.store.database import Database, Transaction
from mogplex.store.schema import runs, sandboxes, workers

DEFAULT_MAX_ATTEMPTS = 2


class Reaping(StrEnum):
    REQUEUED = "requeued"  # pending again: it waits for a slot
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Reaped:
    """A run whose worker was lost, as it is now; `lost_worker_id` had it."""

    run: Run
    lost_worker_id: str
    reaping: Reaping

    @property
    def requeued(self) -> bool:
        return self.reaping is Reaping.REQUEUED


class Workers:
    def __init__(
        self,
        database: Database,
        hub: EventHub,
        known_secrets: KnownSecrets,
        *,
        max_attempts: int = DEFAULT_MAX_ATTEMPTS,
    ) -> None:
        self._database = database
        self._hub = hub
        self._known_secrets = known_secrets
        self._max_attempts = max_attempts

    def register(self, worker: WorkerInfo) -> None:
        """Once, at the start of the process."""
        with self._database.write() as tx:
            worker_table.insert(tx, worker)

    def beat(self, worker_id: str, busy: int) -> bool:
        """A sign of life, with the number of runs in play. False: nobody knows this worker; register it."""
        with self._database.write(durable=False) as tx:
            return worker_table.beat(tx, worker_id, busy)

    def leave(self, worker_id: str) -> None:
        """The process ends. Whatever it still had counts as lost from now on."""
        with self._database.write() as tx:
            worker_table.leave(tx, worker_id)
            seats.give_back(tx, [worker_id])
        self._hub.publish(QUEUE, 0)

    def drain(self, worker_id: str) -> None:
        """The worker takes nothing more; what it was handed and has not begun goes to others."""
        with self._database.write() as tx:
            worker_table.drain(tx, worker_id)
            seats.give_back(tx, [worker_id])
        self._hub.publish(QUEUE, 0)

    def reap(self, alive_after_seconds: float | None = None, only_me: str | None = None) -> list[Reaped]:
        """Settle the runs of lost workers: every one but `only_me`, or those silent for `alive_after_seconds`.

        Cancel asked for → cancelled; an attempt left and nothing delivered → pending again; else failed/interrupted,
        with a `finished` event marked synthesized. Several may reap at once: each run is settled by one of them.
        """
        if (alive_after_seconds is None) == (only_me is None):
            raise ValueError("give either alive_after_seconds or only_me")
        self._give_back(alive_after_seconds, only_me)
        with self._database.read() as tx:
            alive = sa.select(workers.c.id).where(*_alive(tx.now - (alive_after_seconds or 0.0)))
            gone = runs.c.worker_id != only_me if only_me is not None else runs.c.worker_id.not_in(alive)
            lost = run_table.select(tx, [*run_table.IN_PLAY, gone], limit=1000)
        settled = [self._settle(run) for run in lost]
        if settled:
            self._hub.publish(QUEUE, 0)
        return [each for each in settled if each is not None]

    def _give_back(self, alive_after_seconds: float | None, only_me: str | None) -> None:
        """Runs that were handed to a worker which died before it began them wait again."""
        there = [only_me or ""]
        if only_me is None:
            there = [each.info.id for each in self.list(alive_after_seconds)]
            with self._database.read() as tx:
                if not seats.is_given_to_others(tx, there):
                    return
        with self._database.write(durable=False) as tx:
            if only_me is not None:
                worker_table.leave_all_but(tx, only_me)
            count = seats.give_back(tx, but=there)
        if count:
            self._hub.publish(QUEUE, 0)

    def list(self, alive_within_seconds: float | None = None) -> list[WorkerRecord]:
        """The newest first; with `alive_within_seconds` only those that have not left and gave a sign since then."""
        with self._database.read() as tx:
            if alive_within_seconds is None:
                return worker_table.select(tx)
            return worker_table.select(tx, *_alive(tx.now - alive_within_seconds))

    def _settle(self, seen: Run) -> Reaped | None:
        with self._database.write() as tx:
            # One whose worker was cut off amid a transaction stays locked until the server ends that: it must not keep
            # the others waiting, and is settled next time.
            run = run_table.get_free(tx, seen.id)
            if run is None or (run.status, run.worker_id, run.attempt) != (seen.status, seen.worker_id, seen.attempt):
                return None  # ended, or settled by another reaper, or locked
            reaped = self.settle(tx, run)
        if reaped is not None:
            self._hub.publish(reaped.run.id, reaped.run.last_seq)
        return reaped

    def settle(self, tx: Transaction, run: Run) -> Reaped | None:
        """What becomes of a run whose worker is lost, inside a transaction that holds it. None: it is not to be had."""
        lost_worker_id = run.worker_id or ""
        payload = {"attempt": run.attempt, "worker": lost_worker_id}
        draft = EventDraft(EventType.ATTEMPT_LOST, f"Worker {lost_worker_id} was lost", payload=payload)
        ending = self._ending_of(tx, run)
        settled = _requeue(tx, run, draft) if ending is None else self._end(tx, run, ending, draft)
        if settled is None:
            return None
        return Reaped(settled, lost_worker_id, Reaping.REQUEUED if ending is None else Reaping.ENDED)

    def _ending_of(self, tx: Transaction, run: Run) -> Ending | None:
        """None: it may be played again."""
        if run.superseded_by is not None:
            return synthesize(Outcome.SUPERSEDED, "Superseded; its worker was lost before it could say so.")
        if run.cancel_requested_at is not None:
            return synthesize(Outcome.CANCELLED_BY_CALLER, "Cancelled; its worker was lost before it could say so.")
        facts = _facts_of(tx, run)
        if facts.stop_requested_at is not None:
            return synthesize(Outcome.SANDBOX_FAILED, "The sandbox was stopped on request; its worker was lost.")
        if facts.delivered_at is not None:
            return synthesize(
                Outcome.INTERRUPTED,
                f"Worker {run.worker_id} was lost after a delivery had begun, so the run is not played again.",
            )
        if run.attempt >= self._max_attempts:
            return synthesize(
                Outcome.INTERRUPTED,
                f"Worker {run.worker_id} was lost in attempt {run.attempt}, the last of {self._max_attempts}.",
            )
        return None

    def _end(self, tx: Transaction, run: Run, ending: Ending, draft: EventDraft) -> Run | None:
        return end_run(
            tx,
            run,
            run_table.owned(run.id, run.attempt, run.worker_id),
            ending,
            self._known_secrets.sanitiser(),
            before=[draft],
            sandbox_status=SandboxStatus.LOST,
        )


def _requeue(tx: Transaction, run: Run, draft: EventDraft) -> Run | None:
    owned = run_table.owned(run.id, run.attempt, run.worker_id)
    back = run_table.advance(tx, owned, {"status": Status.PENDING, "worker_id": None, "seat": None}, 1)
    if back is not None:
        event_table.append(tx, run.id, back.last_seq, run.attempt, [draft])
        sandbox_table.end(tx, run.id, run.attempt, SandboxStatus.LOST)
    return back


def _alive(since: float) -> list[sa.ColumnElement[bool]]:
    return [workers.c.left_at.is_(None), workers.c.beat_at > since]


def _facts_of(tx: Transaction, run: Run) -> Any:
    same_attempt = (sandboxes.c.run_id == runs.c.id) & (sandboxes.c.attempt == runs.c.attempt)
    wanted = sa.select(runs.c.delivered_at, sandboxes.c.stop_requested_at)
    return tx.execute(wanted.select_from(runs.outerjoin(sandboxes, same_attempt)).where(runs.c.id == run.id)).one()
