"""The group-commit writer: many runs' events, one transaction at a time, nothing lost and nothing out of order.

While one batch is being flushed to disk the next one gathers, so that the price of durability is paid once for many
events. Every batch is fenced per run: an attempt that lost its run writes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from mogplex.domain.errors import MogplexError, ServiceUnavailable
from mogplex.domain.event import EventDraft, EventType
from mogplex.store import events, model_calls, runs
from mogplex.store.database import Database, Transaction
from mogplex.store.faults import is_passing

MAX_WAITING_DRAFTS = 10_000
MAX_BATCH_DRAFTS = 2_000
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fence:
    """Whose events these are: they are written only while this attempt of this worker has the run."""

    run_id: str
    attempt: int
    worker_id: str | None


@dataclass(slots=True)
class _Parcel:
    """The drafts of one call, encoded, and the promise that was given for them."""

    fence: Fence
    rows: list[dict[str, Any]]
    delivered: bool
    call: dict[str, Any] | None = None  # a row of model_calls that goes with the last of `rows`
    recorded_at: float = field(default_factory=time.monotonic)
    kept: Future[bool] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.kept.set_running_or_notify_cancel()  # from here on it can't be cancelled: what is recorded is written


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A batch whose commit was begun and not answered, and the numbers it took."""

    batch: Sequence[_Parcel]
    written: dict[Fence, int | None]


class EventWriter:
    """One thread that writes. `on_commit(run_id, last_seq)` is called from it after a commit."""

    def __init__(
        self,
        database: Database,
        on_commit: Callable[[str, int], None],
        *,
        gap_seconds: float = 0.02,
        max_waiting_drafts: int = MAX_WAITING_DRAFTS,
    ) -> None:
        """`gap_seconds` is the least time between two commits under load; an idle writer commits at once."""
        self._database = database
        self._on_commit = on_commit
        self._gap_seconds = gap_seconds
        self._max_waiting_drafts = max_waiting_drafts
        self._waiting: deque[_Parcel] = deque()
        self._waiting_drafts = 0  # those in the batch being written count too
        self._change = threading.Condition()
        self._last_of_run: dict[str, Future[bool]] = {}
        self._urgent = False
        self._in_doubt: _Doubt | None = None  # of the writing thread only
        self._closing_at: float | None = None  # monotonic; then whatever could not be written is given up
        self._thread = threading.Thread(target=self._work, name="event-writer", daemon=True)
        self._thread.start()

    def put(self, fence: Fence, drafts: Sequence[EventDraft], call: dict[str, Any] | None = None) -> Future[bool]:
        """Queue `drafts`. The future tells, after the commit, whether the run was still owned.

        `call`: an encoded model call, which the last of `drafts` tells of; it is written in the same transaction.
        Blocks while too many drafts wait. Raises TypeError for a payload that is no JSON, ServiceUnavailable once the
        writer is closed.
        """
        delivered = any(draft.type is EventType.DELIVERED for draft in drafts)
        parcel = _Parcel(fence, [events.encode_draft(draft) for draft in drafts], delivered, call)
        with self._change:
            while self._waiting_drafts >= self._max_waiting_drafts and self._closing_at is None:
                self._change.wait()
            if self._closing_at is not None:
                raise ServiceUnavailable("The event writer is closed: this process is shutting down.")
            self._waiting.append(parcel)
            self._waiting_drafts += len(parcel.rows)
            self._last_of_run[fence.run_id] = parcel.kept
            self._change.notify_all()
        return parcel.kept

    def drain(self, run_id: str, timeout_seconds: float) -> None:
        """Wait until all that was queued for a run is settled. Raises ServiceUnavailable after `timeout_seconds`."""
        with self._change:
            last = self._last_of_run.get(run_id)
            self._urgent = True
            self._change.notify_all()
        if last is None:
            return
        try:
            # Parcels are settled in order, so the last one stands for all. That it failed is told to its own caller.
            last.exception(timeout=timeout_seconds)
        except TimeoutError as fault:
            raise ServiceUnavailable(
                f"The events of {run_id} could not be written within {timeout_seconds:g} s; they are kept. Try again."
            ) from fault

    def close(self, timeout_seconds: float = 30.0) -> None:
        """Write what is left and stop. After `timeout_seconds` without a database, give up on the rest and say so."""
        with self._change:
            if self._closing_at is None:
                self._closing_at = time.monotonic() + timeout_seconds
            self._change.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            began = time.monotonic()
            self._write(batch)
            self._settle(batch)
            self._rest(began)

    def _next_batch(self) -> list[_Parcel]:
        """What waits now, up to a batch's size; empty only when the writer is closed and all is written."""
        with self._change:
            while not self._waiting and self._closing_at is None:
                self._change.wait()
            batch: list[_Parcel] = []
            size = 0
            while self._waiting and (not batch or size + len(self._waiting[0].rows) <= MAX_BATCH_DRAFTS):
                batch.append(self._waiting.popleft())
                size += len(batch[-1].rows)
            return batch

    def _rest(self, began: float) -> None:
        """Let a batch gather under load. Whoever waits for the end of a run, or a full batch, ends the rest."""
        until = began + self._gap_seconds
        with self._change:
            while not self._urgent and self._closing_at is None and self._waiting_drafts < MAX_BATCH_DRAFTS:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._change.wait(left)
            self._urgent = False

    def _settle(self, batch: Sequence[_Parcel]) -> None:
        with self._change:
            for parcel in batch:
                self._waiting_drafts -= len(parcel.rows)
                if self._last_of_run.get(parcel.fence.run_id) is parcel.kept:
                    del self._last_of_run[parcel.fence.run_id]
            self._change.notify_all()

    def _write(self, batch: Sequence[_Parcel]) -> None:
        """Write a batch, however long it takes. A batch that the database refuses for its content is taken apart."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            try:
                self._commit(batch)
                return
            except MogplexError as fault:
                if not is_passing(fault) or not self._may_wait(pause_seconds, fault):
                    _fail(batch, fault)
                    return
                pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            except Exception as fault:  # noqa: BLE001 - of whatever kind: the one thread that writes must not end by it
                if len(batch) == 1:
                    _log.exception("Events of %s were refused by the database and are lost", batch[0].fence.run_id)
                    _fail(batch, fault)
                    return
                for parcel in batch:
                    self._write([parcel])
                return

    def _may_wait(self, pause_seconds: float, fault: MogplexError) -> bool:
        """Pause before another try; False when the writer was closed and its time is over."""
        _log.warning("Events wait for the database: %s", fault.message)
        until = time.monotonic() + pause_seconds
        with self._change:
            if self._closing_at is not None and time.monotonic() >= self._closing_at:
                return False
            while (left := until - time.monotonic()) > 0:
                self._change.wait(left)
        return True

    def _commit(self, batch: Sequence[_Parcel]) -> None:
        parcels_of: dict[Fence, list[_Parcel]] = {}
        for parcel in batch:
            parcels_of.setdefault(parcel.fence, []).append(parcel)
        with self._database.write() as tx:
            written = self._recall(tx, batch)
            if written is None:
                written = {}
                # Always in the same order, so that two writers can't wait for each other's rows.
                for fence in sorted(parcels_of, key=lambda each: (each.run_id, each.attempt)):
                    written[fence] = _write_parcels(tx, fence, parcels_of[fence])
                self._in_doubt = _Doubt(batch, written)
        self._in_doubt = None
        for fence, last_seq in written.items():
            for parcel in parcels_of[fence]:
                parcel.kept.set_result(last_seq is not None)
            if last_seq is not None:
                self._tell(fence.run_id, last_seq)

    def _recall(self, tx: Transaction, batch: Sequence[_Parcel]) -> dict[Fence, int | None] | None:
        """What an earlier try at this batch wrote, if its commit took place though its answer was lost."""
        doubt = self._in_doubt
        if doubt is None or doubt.batch is not batch:
            return None
        for fence, last_seq in doubt.written.items():
            rows = [row for parcel in batch if parcel.fence == fence for row in parcel.rows]
            if last_seq is not None and rows:
                # The whole batch was one transaction, so one run answers for all.
                return doubt.written if events.hold(tx, fence.run_id, last_seq, fence.attempt, rows) else None
        return None

    def _tell(self, run_id: str, last_seq: int) -> None:
        try:
            self._on_commit(run_id, last_seq)
        except Exception:  # noqa: BLE001 - a broken listener must not stop the one thread that writes
            _log.exception("A listener for events of %s failed", run_id)


def _write_parcels(tx: Transaction, fence: Fence, parcels: Sequence[_Parcel]) -> int | None:
    """The last number written, or None when the run is not owned any more."""
    total = sum(len(parcel.rows) for parcel in parcels)
    conditions = runs.owned(fence.run_id, fence.attempt, fence.worker_id)
    last_seq = runs.take_numbers(tx, conditions, total, delivered=any(parcel.delivered for parcel in parcels))
    if last_seq is None:
        return None
    seq = last_seq - total
    rows, calls = [], []
    clock_offset = tx.now - time.monotonic()
    for parcel in parcels:
        created_at = parcel.recorded_at + clock_offset  # when it happened, by the database's clock
        for row in parcel.rows:
            seq += 1
            rows.append({**row, "run_id": fence.run_id, "seq": seq, "attempt": fence.attempt, "created_at": created_at})
        if parcel.call is not None:
            of_event = {"run_id": fence.run_id, "seq": seq, "attempt": fence.attempt, "created_at": created_at}
            calls.append({**parcel.call, **of_event})
    events.insert_rows(tx, rows)
    if calls:
        model_calls.insert_rows(tx, calls)
        runs.note_spent(tx, fence.run_id, model_calls.total_of_run(tx, fence.run_id))
    return last_seq


def _fail(batch: Sequence[_Parcel], fault: BaseException) -> None:
    for parcel in batch:
        parcel.kept.set_exception(fault)
