"""A forge's message that asks for a run, on its way to the run and to the answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mogplex.domain.hook import Wish


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
