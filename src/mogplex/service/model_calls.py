"""Model calls: what runs and keys have used, and the list of a run's calls."""

from __future__ import annotations

from mogplex.domain.access import Caller, Scope
from mogplex.domain.model_call import CallTotals, StoredCall
from mogplex.domain.run import Run
from mogplex.service.events import visible_run
from mogplex.store import model_calls as call_table
from mogplex.store.database import Database
from mogplex.store.model_tables import model_calls

DAY_SECONDS = 86400.0
MAX_LISTED = 1000


class ModelCalls:
    """`usd_per_day` bounds what each key spends in any 24 hours; None: no bound."""

    def __init__(self, database: Database, usd_per_day: float | None = None) -> None:
        self._database = database
        self._usd_per_day = usd_per_day

    def list(self, caller: Caller, run_id: str, after: int = 0, limit: int = MAX_LISTED) -> list[StoredCall]:
        """The calls of a run whose events have a number above `after`, in order. Raises NotFound."""
        caller.require(Scope.READ)
        with self._database.read() as tx:
            return call_table.select(tx, visible_run(tx, caller, run_id).id, after, min(max(limit, 1), MAX_LISTED + 1))

    def totals_of(self, run_id: str) -> CallTotals:
        """Of all attempts of the run."""
        with self._database.read() as tx:
            return call_table.total_of_run(tx, run_id)

    def daily_limit_of(self, run: Run) -> float | None:
        """US dollars that the run's key may spend in 24 hours."""
        return self._usd_per_day

    def spent_elsewhere(self, run: Run) -> float:
        """US dollars that the run's key spent in the last 24 hours on its other runs."""
        with self._database.read() as tx:
            return call_table.total(
                tx,
                model_calls.c.api_key_id == run.api_key_id,
                model_calls.c.created_at > tx.now - DAY_SECONDS,
                model_calls.c.run_id != run.id,
            ).cost_usd
