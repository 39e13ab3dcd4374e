"""How often: requests of a key, starts of an owner. Counted in the database, in windows that slide exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mogplex.domain.access import Caller
from mogplex.domain.errors import RateLimited
from mogplex.store import hits
from mogplex.store import runs as run_table
from mogplex.store.database import Database, Transaction
from mogplex.store.schema import runs

REQUEST_WINDOW_SECONDS = 60.0
DEFAULT_REQUESTS_PER_MINUTE = 60
# Seconds of a window -> how many starts it lets in.
DEFAULT_STARTS: Mapping[float, int] = {60.0: 10, 3600.0: 30, 86400.0: 150}
_WINDOW_NAMES = {60.0: "minute", 3600.0: "hour", 86400.0: "day"}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may still ask. `reset_at_seconds` (since 1970): when the oldest counted request is forgotten."""

    limit: int
    remaining: int
    reset_at_seconds: float


class RequestsLimited(RateLimited):
    """Too many requests of one key; bears the numbers that the answer's headers want."""

    def __init__(self, message: str, retry_after_seconds: float, allowance: Allowance) -> None:
        super().__init__(message, retry_after_seconds)
        self.allowance = allowance


class Limits:
    """Refused requests and starts are not counted, so that hammering does not lock a caller out."""

    def __init__(
        self,
        database: Database,
        *,
        requests_per_minute: int = DEFAULT_REQUESTS_PER_MINUTE,
        starts: Mapping[float, int] = DEFAULT_STARTS,
    ) -> None:
        """`starts`: window in seconds -> how many. Raises ValueError for a limit below 1."""
        if requests_per_minute < 1 or any(limit < 1 for limit in starts.values()):
            raise ValueError(f"limits must be at least 1: {requests_per_minute} requests a minute, starts {starts}")
        self._database = database
        self._requests_per_minute = requests_per_minute
        self._starts = dict(sorted(starts.items()))

    def take_request(self, caller: Caller) -> Allowance:
        """Count one request of the caller's key. Raises RequestsLimited, a RateLimited with `.allowance`."""
        limit = self._requests_per_minute
        with self._database.write(durable=False) as tx:
            tx.take_turn(f"requests of {caller.key_id}")
            since = tx.now - REQUEST_WINDOW_SECONDS
            count, oldest, oldest_kept = hits.count_since(tx, caller.key_id, since)
            reset_at = (tx.now if oldest is None else oldest) + REQUEST_WINDOW_SECONDS
            if count >= limit:
                wait_seconds = max(reset_at - tx.now, 0.001)
                raise RequestsLimited(
                    f"Rate limit exceeded: {limit} requests a minute. Try again in {wait_seconds:.0f} s.",
                    wait_seconds,
                    Allowance(limit, 0, reset_at),
                )
            if oldest_kept is not None and oldest_kept <= since - REQUEST_WINDOW_SECONDS:
                hits.forget_before(tx, caller.key_id, since)
            hits.insert(tx, caller.key_id)
        return Allowance(limit, limit - count - 1, reset_at)

    def check_starts(self, tx: Transaction, owner: str) -> None:
        """Raises RateLimited when the owner's quota is used up. A run that exists is what counts, so nothing is stored.

        Call it with a turn taken, so that two starts don't pass on one place.
        """
        refused: tuple[float, str] | None = None  # the longest wait of those windows that are full
        for window_seconds, limit in self._starts.items():
            mine = (runs.c.key_owner == owner, runs.c.created_at > tx.now - window_seconds)
            if run_table.count(tx, *mine) < limit:
                continue
            oldest = run_table.nth_newest_time(tx, limit, *mine)
            wait_seconds = max(oldest + window_seconds - tx.now, 0.001)
            if refused is None or wait_seconds > refused[0]:
                refused = wait_seconds, f"{limit} runs per {name_window(window_seconds)}"
        if refused is not None:
            raise RateLimited(f"Start quota exceeded: {refused[1]}. Try again in {refused[0]:.0f} s.", refused[0])

    def left(self, caller: Caller) -> dict[str, Any]:
        """`{"requests": {"perMinute": {"limit", "left"}}, "starts": {"perMinute" …, "perHour" …, "perDay" …}}`"""
        with self._database.read() as tx:
            used, _, _ = hits.count_since(tx, caller.key_id, tx.now - REQUEST_WINDOW_SECONDS)
            starts = {}
            for window_seconds, limit in self._starts.items():
                mine = (runs.c.key_owner == caller.owner, runs.c.created_at > tx.now - window_seconds)
                name = f"per{name_window(window_seconds).title().replace(' ', '')}"
                starts[name] = _left(limit, run_table.count(tx, *mine))
        return {"requests": {"perMinute": _left(self._requests_per_minute, used)}, "starts": starts}


def name_window(window_seconds: float) -> str:
    return _WINDOW_NAMES.get(window_seconds, f"{window_seconds:g} seconds")


def _left(limit: int, used: int) -> dict[str, int]:
    return {"limit": limit, "left": max(limit - used, 0)}
