"""What every tab of a run shows, and what its live stream renews."""

from __future__ import annotations

import secrets
import time
from typing import Any

from mogplex.domain.errors import MogplexError
from mogplex.domain.run import Run, Status
from mogplex.web.rooms import Rooms
from mogplex.web.timeline import Timeline
from mogplex.web.visit import Visit

LONGEST_CHAIN = 20


def head_values(visit: Visit, run: Run, tab: str) -> dict[str, Any]:
    """For the head, the tabs and the timeline."""
    now = time.time()
    return {
        "run": run,
        "queue": visit.rooms.runs.queue_place(run),
        "started_by": visit.rooms.sessions.names_of_keys([run.api_key_id]).get(run.api_key_id, run.api_key_id),
        "timeline": timeline_of(visit.rooms, run, now),
        "running_ms": None if run.status.is_terminal else (now - run.created_at) * 1000,
        "may_cancel": visit.may("write") and not run.status.is_terminal and run.cancel_requested_at is None,
        "may_retry": visit.may("write") and run.status in (Status.FAILED, Status.CANCELLED),
        "retry_key": f"page-{secrets.token_hex(12)}",
        "tab": tab,
    }


def timeline_of(rooms: Rooms, run: Run, now: float) -> Timeline:
    return rooms.timelines.draw(run, now)


def retry_chain(visit: Visit, run: Run) -> list[Run]:
    """This run among those it was retried from and as, the oldest first; at most LONGEST_CHAIN each way."""
    earlier = _follow(visit, run, "retry_of")
    return [*reversed(earlier), run, *_follow(visit, run, "retried_by")]


def _follow(visit: Visit, run: Run, link: str) -> list[Run]:
    found: list[Run] = []
    next_id = getattr(run, link)
    while next_id is not None and len(found) < LONGEST_CHAIN:
        try:
            found.append(visit.rooms.runs.get(visit.caller, next_id))
        except MogplexError:  # removed, or of a repo that this key may not see: the chain ends here
            break
        next_id = getattr(found[-1], link)
    return found
