"""The same request again: the run that an idempotency key made before, or the refusal of another body."""

from __future__ import annotations

from dataclasses import dataclass

from mogplex.domain.access import Caller
from mogplex.domain.errors import IdempotencyConflict
from mogplex.domain.run import Run
from mogplex.store import runs as run_table
from mogplex.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Started:
    run: Run
    replayed: bool


def replay(tx: Transaction, caller: Caller, key: str, digest: str) -> Started | None:
    """None: the key is new. Raises IdempotencyConflict when it made a run of another request."""
    earlier = run_table.find_by_key(tx, caller.owner, key)
    if earlier is None:
        return None
    if not caller.may_see(earlier.repo_id):
        raise IdempotencyConflict(f"Idempotency-Key {key!r} was used for another request. Use a new one.")
    if earlier.request_hash != digest:
        raise IdempotencyConflict(
            f"Idempotency-Key {key!r} was used for another request, which made {earlier.id}. Use a new key, "
            "or send the first request again unchanged."
        )
    return Started(earlier, replayed=True)
