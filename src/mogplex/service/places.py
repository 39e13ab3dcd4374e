"""Where a pending run stands in the queue, and why it has not begun."""

from __future__ import annotations

from collections.abc import Sequence

from mogplex.domain.run import Run, Status
from mogplex.domain.seating import QueuePlace, SeatRules, WaitReason, estimate_wait
from mogplex.store import facts, queue, seats
from mogplex.store import repos as repo_table
from mogplex.store.database import Database, Transaction
from mogplex.store.queue import WorkerNow

ESTIMATE_FROM_RUNS = 50  # the last so many tell how long a slot is taken


class Places:
    def __init__(self, database: Database, rules: SeatRules) -> None:
        self._database = database
        self._rules = rules

    def ahead_of(self, tx: Transaction, run: Run) -> int:
        """How many waiting runs have their turn before `run`."""
        return seats.count_ahead(tx, run, self._rules.aging_seconds)

    def find(self, run: Run) -> QueuePlace | None:
        """None for a run that does not wait for a slot."""
        if run.status is not Status.PENDING or run.ready_at is None:
            return None
        with self._database.read() as tx:
            ahead = self.ahead_of(tx, run)
            there = [each for each in queue.workers_now(tx, self._rules.alive_within_seconds) if not each.draining]
            fit = [each for each in there if each.can_take(run.needs)]
            slots, free = sum(each.slots for each in fit), sum(each.free for each in fit)
            reason, detail = self._explain(tx, run, there, fit)
            average_ms = facts.average_attempt_ms(tx, ESTIMATE_FROM_RUNS)
        return QueuePlace(ahead + 1, ahead, reason, detail, estimate_wait(ahead, slots, slots - free, average_ms))

    def _explain(
        self, tx: Transaction, run: Run, there: Sequence[WorkerNow], fit: Sequence[WorkerNow]
    ) -> tuple[WaitReason, str]:
        if run.seat is not None:
            return WaitReason.HANDED_OVER, f"The worker {run.seat} is about to begin it."
        if not there:
            return WaitReason.NO_WORKER, "No worker is there to take it; start one with: mogplex worker"
        if not fit:
            labels = ",".join(run.needs)
            return (
                WaitReason.NO_WORKER_WITH_LABELS,
                f"None of the {len(there)} workers has all of the labels {labels}; start one with: "
                f"mogplex worker --labels {labels}",
            )
        if seats.is_branch_busy(tx, run.id):
            return WaitReason.BRANCH_BUSY, f"Another run works for the branch {run.working_branch}."
        taken = seats.taken(tx)
        repo = repo_table.get(tx, run.repo_id)
        limit = self._rules.repo_limit(repo.concurrency if repo else None)
        if limit is not None and sum(each.repo_id == run.repo_id for each in taken) >= limit:
            return WaitReason.REPO_CONCURRENCY, f"{run.repo_full_name} has as many runs at once as it may: {limit}."
        limit = self._rules.key_concurrency
        if limit is not None and sum(each.api_key_id == run.api_key_id for each in taken) >= limit:
            return WaitReason.KEY_CONCURRENCY, f"The key has as many runs at once as it may: {limit}."
        if not any(each.free for each in fit):
            slots = sum(each.slots for each in fit)
            which = f"with {','.join(run.needs)} " if run.needs else ""
            return WaitReason.SLOTS_BUSY, f"All slots {which}are busy: {slots}."
        return WaitReason.NEXT, "A slot is free for it."
