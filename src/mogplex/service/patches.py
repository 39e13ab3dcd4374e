"""Reading the patch of a run, or why there is none."""

from __future__ import annotations

from mogplex.domain.access import Caller, Scope
from mogplex.domain.errors import NotFound
from mogplex.domain.retention import Kept
from mogplex.domain.view import format_time
from mogplex.service.blobs import Blobs
from mogplex.service.events import visible_run
from mogplex.store import patches as patch_table
from mogplex.store import pruning
from mogplex.store.database import Database


def read_patch(database: Database, blobs: Blobs, caller: Caller, run_id: str) -> bytes:
    """The run's diff against its base commit.

    Raises NotFound, which says why there is none; ServiceUnavailable when it is there and can't be read now.
    """
    caller.require(Scope.READ)
    with database.read() as tx:
        run = visible_run(tx, caller, run_id)
        diff = patch_table.get(tx, run.id)
        gone_at = None if diff is not None else pruning.pruned_at(tx, run.id, Kept.PATCHES)
    if diff is not None:
        return blobs.read(diff)
    why = f"it ended as {run.outcome}" if run.status.is_terminal else f"it is still {run.status}"
    if gone_at is not None:
        why = f"patches are not kept for ever here, and it was taken away at {format_time(gone_at)}"
    raise NotFound(f"{run.id} has no patch: {why}.")
