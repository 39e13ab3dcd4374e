"""The numbers behind `/metrics`: totals since the beginning, and what is going on now. They name no repo and no run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mogplex.domain.webhook import DeliveryStatus
from mogplex.store import queue, seats, totals
from mogplex.store import runs as run_table
from mogplex.store import schedules as schedule_table
from mogplex.store.database import Database
from mogplex.store.report_tables import start_tallies
from mogplex.store.webhook_tables import webhook_deliveries


@dataclass(frozen=True, slots=True)
class Numbers:
    """`ended` has a row for each harness, status and outcome. Waits are in seconds; None when nobody waits."""

    ended: Sequence[Mapping[str, Any]]
    pending: int
    waiting: Mapping[str, int]  # by the labels that are needed, with commas between them; "" is always there
    streaming: int
    oldest_wait_seconds: float | None
    slots: int
    busy: int
    free: int
    workers: int
    schedule_alarms: int
    webhooks_pending: int
    webhooks_failed: int
    starts: Mapping[str, int]  # that made no run, by kind


class Metrics:
    def __init__(self, database: Database, *, alive_within_seconds: float) -> None:
        self._database = database
        self._alive_within_seconds = alive_within_seconds

    def read(self) -> Numbers:
        """Raises ServiceUnavailable."""
        with self._database.read() as tx:
            waiting = queue.waiting(tx, [])
            workers = queue.workers_now(tx, self._alive_within_seconds)
            status = webhook_deliveries.c.status
            count = sa.func.count()
            sent = {str(name): int(number) for name, number in tx.execute(sa.select(status, count).group_by(status))}
            kinds = sa.select(start_tallies.c.kind, sa.func.sum(start_tallies.c.count)).group_by(start_tallies.c.kind)
            return Numbers(
                ended=totals.select(tx),
                pending=waiting.depth,
                waiting={"": 0, **{",".join(needs): depth for needs, depth in seats.waiting_by_needs(tx, [])}},
                streaming=run_table.count(tx, *run_table.IN_PLAY),
                oldest_wait_seconds=waiting.oldest_wait_seconds,
                slots=sum(worker.slots for worker in workers),
                busy=sum(worker.busy for worker in workers),
                free=sum(worker.free for worker in workers),
                workers=len(workers),
                schedule_alarms=schedule_table.count_alarms(tx),
                webhooks_pending=sent.get(DeliveryStatus.PENDING, 0),
                webhooks_failed=sent.get(DeliveryStatus.FAILED, 0),
                starts={str(kind): int(number) for kind, number in tx.execute(kinds)},
            )
