"""Those who play attempts: a worker process, from its start to the last sign of life."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """Who a worker is. `id` is new at every start of the process and never used again."""

    id: str
    host: str
    pid: int
    slots: int
    version: str = ""
    harnesses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker as the database knows it. Times are seconds since 1970, UTC, by the database's clock."""

    info: WorkerInfo
    busy: int
    started_at: float
    beat_at: float
    left_at: float | None = None


class Signal(StrEnum):
    """What the one who plays an attempt must learn while it plays."""

    CANCEL_REQUESTED = "cancel_requested"
    SUPERSEDED = "superseded"  # cancelled because a newer run of the same branch was started
    SANDBOX_STOP_REQUESTED = "sandbox_stop_requested"
    LOST = "lost"  # somebody else owns the run now, or it has ended
