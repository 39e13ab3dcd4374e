"""Who goes next: a worker with a free slot takes the run whose turn it is, one at a time.

Workers ask for themselves, so a dead one is given nothing, and each holds to its own slots and labels. One transaction
at a time decides (a turn in PostgreSQL, the one writer in SQLite), so limits hold exactly however many ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from mogplex.domain.ports import Dispatcher
from mogplex.domain.seating import SeatRules
from mogplex.domain.worker import WorkerInfo
from mogplex.service.events import QUEUE, EventHub
from mogplex.store import seats
from mogplex.store.database import Database, Transaction
from mogplex.store.seats import Barred, Taken, Waiter

LOOKED_AT = 50  # waiting runs at once; who is barred by then is left out of the next look


class Seating:
    def __init__(self, database: Database, dispatcher: Dispatcher, hub: EventHub, rules: SeatRules) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._hub = hub
        self._rules = rules

    def fill(self, worker: WorkerInfo, may_go_on: Callable[[], bool] = lambda: True) -> int:
        """Take runs for the free slots of `worker` while there are both. Returns how many."""
        count = 0
        while may_go_on() and self.take(worker) is not None:
            count += 1
        return count

    def take(self, worker: WorkerInfo) -> str | None:
        """Hand the next run that `worker` may have to it: the run's id, or None when there is no run or no slot."""
        with self._database.read() as tx:  # most looks find nothing: they must not cost a turn
            if not seats.is_anyone_waiting(tx) or not _has_room(worker, seats.taken(tx)):
                return None
        with self._database.write() as tx:
            tx.take_turn("seats")
            taken = seats.taken(tx)
            if not _has_room(worker, taken):
                return None
            found = self._find(tx, worker, taken)
            number = None if found is None else seats.take(tx, found.run_id, worker.id)
            if found is None or number is None:
                return None
            self._dispatcher.hand_over(tx.connection, found.run_id, worker.id, number)
        return found.run_id

    def give_back(self, worker_ids: Sequence[str]) -> None:
        """Runs that were handed to these workers, and that they will not begin, wait again."""
        if not worker_ids:
            return
        with self._database.write() as tx:
            count = seats.give_back(tx, worker_ids)
        if count:
            self._hub.publish(QUEUE, 0)

    def _find(self, tx: Transaction, worker: WorkerInfo, taken: Sequence[Taken]) -> Waiter | None:
        barred = self._barred(taken)
        while True:
            page = seats.waiters(tx, self._rules.aging_seconds, barred, LOOKED_AT)
            lacking = set()
            for waiter in page:
                if not set(waiter.needs) <= set(worker.labels):
                    lacking.add(waiter.needs)
                elif self._has_place(waiter, taken):
                    return waiter
            more = replace(barred, needs=barred.needs | lacking)
            if more == barred:
                return None
            barred = more

    def _barred(self, taken: Iterable[Taken]) -> Barred:
        of_repo: Counter[str] = Counter()
        of_key: Counter[str] = Counter()
        limits: dict[str, int | None] = {}
        for each in taken:
            of_repo[each.repo_id] += 1
            of_key[each.api_key_id] += 1
            limits[each.repo_id] = self._rules.repo_limit(each.repo_limit)
        return Barred(
            frozenset(repo_id for repo_id, count in of_repo.items() if _is_full(count, limits[repo_id])),
            frozenset(key_id for key_id, count in of_key.items() if _is_full(count, self._rules.key_concurrency)),
        )

    def _has_place(self, waiter: Waiter, taken: Sequence[Taken]) -> bool:
        in_repo = sum(each.repo_id == waiter.repo_id for each in taken)
        return not _is_full(in_repo, self._rules.repo_limit(waiter.repo_limit))


def _has_room(worker: WorkerInfo, taken: Sequence[Taken]) -> bool:
    return sum(each.worker_id == worker.id for each in taken) < worker.slots


def _is_full(count: int, limit: int | None) -> bool:
    return limit is not None and count >= limit
