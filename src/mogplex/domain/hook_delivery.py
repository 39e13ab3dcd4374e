"""A forge's message that asks for a run, on its way to the run and to the answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mogplex.domain.hook import Wish
from mogplex.domain.view import format_time


class HookStatus(StrEnum):
    WAITING = "waiting"  # no run yet
    STARTED = "started"  # its run is on its way
    REFUSED = "refused"  # there will be no run
    DONE = "done"  # the last answer is given, or was given up


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """`id` is the forge's. `answer_id` names the comment or check run that is updated in place. `refusal` says why
    there is no run. Times are seconds since 1970, UTC."""

    repo_id: str
    id: str
    wish: Wish
    subject: str | None
    created_at: float
    status: HookStatus = HookStatus.WAITING
    run_id: str | None = None
    refusal: str | None = None
    answer_id: str | None = None
    next_at: float | None = None
    tries: int = 0
    last_error: str | None = None

    def as_wire(self) -> dict[str, Any]:
        """For callers: who asked for what, and what was made of it."""
        return {
            "id": self.id,
            "repoId": self.repo_id,
            "trigger": self.wish.trigger,
            "by": self.wish.person,
            "number": self.wish.number,
            "status": self.status,
            "runId": self.run_id,
            "refusal": self.refusal,
            "tries": self.tries,
            "lastError": self.last_error,
            "receivedAt": format_time(self.created_at),
        }
