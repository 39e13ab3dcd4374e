"""Messages that are due, tried again and again until somebody takes them: the round, and the pauses between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mogplex.store.database import Database, Transaction

PAGE = 20
Message = TypeVar("Message")


def try_each(
    database: Database,
    select_due: Callable[[Transaction, int], Sequence[Message]],
    try_once: Callable[[Message], bool],
    *,
    hands: int,
    name: str,
) -> int:
    """One try for each message that is due, `hands` at once: who is slow holds up no other.

    `try_once` says whether it was this process that had it. Returns how many it had.
    """
    with database.read() as tx:
        due = select_due(tx, PAGE)
    if not due:
        return 0
    with ThreadPoolExecutor(hands, name) as pool:
        return sum(pool.map(try_once, due))


def pause_after(failures: int, pauses: Sequence[float], wanted_seconds: float | None) -> float | None:
    """Seconds until the next try, after so many that failed; None: it is given up.

    A receiver that says how long to wait is believed, up to the longest of the pauses.
    """
    if failures > len(pauses):
        return None
    return min(max(pauses[failures - 1], wanted_seconds or 0.0), pauses[-1])
