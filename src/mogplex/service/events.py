"""Reading a run's events back, and waking those who wait for more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from mogplex.domain.access import Caller, Scope
from mogplex.domain.errors import BadRequest
from mogplex.domain.event import Event
from mogplex.domain.run import Run
from mogplex.service.ids import is_id, missing
from mogplex.service.page import clamp_limit
from mogplex.store import events as event_table
from mogplex.store import runs as run_table
from mogplex.store.database import Database, Transaction

MAX_EVENTS = 1000
QUEUE = "queue"  # published like a run when somebody waits for a slot, or may go now
NEAR_SECONDS = 0.5  # how often to look for news when those of other processes are not heard
FAR_SECONDS = 5.0  # and when they are: a net under them
Callback = Callable[[int], None]
Ring = Callable[[str, int], None]
_log = logging.getLogger(__name__)


class EventHub:
    """Wake-ups after commits of this process, and with `relay_through` of others: hints, so streams also look by clock.

    Thread-safe. A callback gets the run's last event number, from whatever thread committed; it must be quick.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[str, dict[int, Callback]] = {}
        self._next_token = 0
        self._relay: Ring | None = None
        self._is_heard: Callable[[], bool] = lambda: False

    def relay_through(self, ring: Ring, is_heard: Callable[[], bool]) -> None:
        """What is published here is told to other processes by `ring`; call `wake` with what they tell."""
        self._relay, self._is_heard = ring, is_heard

    @property
    def look_seconds(self) -> float:
        """How long to wait for a wake-up before looking all the same."""
        return FAR_SECONDS if self._is_heard() else NEAR_SECONDS

    def subscribe(self, run_id: str, callback: Callback) -> Callable[[], None]:
        """Returns what ends the subscription; calling that twice does no harm."""
        with self._lock:
            token = self._next_token
            self._next_token += 1
            self._callbacks.setdefault(run_id, {})[token] = callback

        def unsubscribe() -> None:
            with self._lock:
                mine = self._callbacks.get(run_id)
                if mine is not None:
                    mine.pop(token, None)
                    if not mine:
                        del self._callbacks[run_id]

        return unsubscribe

    def publish(self, run_id: str, last_seq: int) -> None:
        """To be called after each commit that others wait for."""
        self.wake(run_id, last_seq)
        if self._relay is not None:
            self._relay(run_id, last_seq)

    def wake_all(self) -> None:
        """Let everybody look who waits: news may have been missed."""
        with self._lock:
            run_ids = list(self._callbacks)
        for run_id in run_ids:
            self.wake(run_id, 0)

    def wake(self, run_id: str, last_seq: int) -> None:
        """Wake those of this process only."""
        with self._lock:
            callbacks = list(self._callbacks.get(run_id, {}).values())
        for callback in callbacks:
            try:
                callback(last_seq)
            except Exception:  # noqa: BLE001 - one reader's fault (a closed loop, say) must reach neither the writer nor other readers
                _log.warning("A reader of %s could not be woken", run_id, exc_info=True)

    def count(self) -> int:
        """Open subscriptions."""
        with self._lock:
            return sum(len(mine) for mine in self._callbacks.values())


@dataclass(frozen=True, slots=True)
class EventPage:
    """`run` and `events` are of the same moment. `next_after` is where to go on, even when the page is empty."""

    run: Run
    events: list[Event]
    next_after: int
    has_more: bool


class Events:
    def __init__(self, database: Database, hub: EventHub) -> None:
        self._database = database
        self.hub = hub

    def page(self, caller: Caller, run_id: str, after: int, limit: int, *, raw: bool = False) -> EventPage:
        """Events with a number above `after`, with `raw` also the lines behind them. Raises NotFound, BadRequest."""
        caller.require(Scope.READ)
        limit = clamp_limit(limit, MAX_EVENTS)
        if not 0 <= after < 2**31:
            raise BadRequest(f"after must be the number of an event, or 0, not {after}.")
        with self._database.read() as tx:
            run = visible_run(tx, caller, run_id)
            found = event_table.since(tx, run_id, after, limit, raw=raw)
        next_after = found[-1].seq if found else after
        return EventPage(run, found, next_after, next_after < run.last_seq)

    def since(self, run_id: str, after: int, limit: int) -> list[Event]:
        """For streams that were let in already."""
        with self._database.read() as tx:
            return event_table.since(tx, run_id, after, limit)


def visible_run(tx: Transaction, caller: Caller, run_id: str, *, lock: bool = False) -> Run:
    """Raises NotFound for a run that is missing or not to be seen with this key.

    `lock` keeps others from changing it until the transaction ends.
    """
    run = run_table.get(tx, run_id, lock=lock) if is_id(run_id, "run") else None
    if run is None or not caller.may_see(run.repo_id):
        raise missing("run", run_id)
    return run
