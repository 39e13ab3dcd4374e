"""How long what runs leave behind is kept. Nothing is taken from a run that is not over."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from mogplex.domain.errors import BadRequest

DAY_SECONDS = 86400.0
# The longest window of the start quotas, which count runs: what is younger is never taken away.
LEAST_SECONDS = DAY_SECONDS


class Kept(StrEnum):
    """What can be taken away for itself. `runs` is the record of a run, with all that belongs to it."""

    EVENTS = "events"  # all but `finished`
    LOGS = "logs"  # a sandbox's log, what checks printed, the lines behind events, recorded model traffic
    PATCHES = "patches"
    DELIVERIES = "deliveries"  # webhook messages that were taken or given up
    RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Retention:
    """Seconds since the run ended, or the message was made, by kind; None: for ever."""

    events: float | None = None
    logs: float | None = None
    patches: float | None = None
    deliveries: float | None = None
    runs: float | None = None

    def __post_init__(self) -> None:
        """Raises BadRequest."""
        for each in fields(self):
            seconds = getattr(self, each.name)
            if seconds is not None and seconds < LEAST_SECONDS:
                raise BadRequest(
                    f"{each.name} can't be kept for {seconds / DAY_SECONDS:g} days: at least 1 day, since the limits "
                    "on starts count the runs of a day."
                )

    @property
    def is_empty(self) -> bool:
        """Whether everything is kept for ever."""
        return all(getattr(self, kind) is None for kind in Kept)

    @staticmethod
    def older_than(seconds: float, *, runs: bool) -> Retention:
        """Everything that is older goes; the records of runs only with `runs`. Raises BadRequest."""
        return Retention(seconds, seconds, seconds, seconds, seconds if runs else None)

    def seconds_of(self, kind: Kept) -> float | None:
        seconds: float | None = getattr(self, kind)
        return seconds
