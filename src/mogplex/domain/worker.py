"""Those who play attempts: a worker process, from its start to the last sign of life."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MOST_LABELS = 16
_LABEL = re.compile(r"[a-z0-9][a-z0-9._/-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """Who a worker is. `id` is new at every start of the process and never used again.

    `labels` are what it has that others may not, such as `gpu`: a run that needs labels goes to a worker that has all.
    """

    id: str
    host: str
    pid: int
    slots: int
    version: str = ""
    harnesses: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()  # what its sandboxes don't hold, in sentences


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker as the database knows it. Times are seconds since 1970, UTC, by the database's clock."""

    info: WorkerInfo
    busy: int
    started_at: float
    beat_at: float
    left_at: float | None = None
    draining: bool = False  # plays on what it has and takes nothing more


class Signal(StrEnum):
    """What the one who plays an attempt must learn while it plays."""

    CANCEL_REQUESTED = "cancel_requested"
    SUPERSEDED = "superseded"  # cancelled because a newer run of the same branch was started
    SANDBOX_STOP_REQUESTED = "sandbox_stop_requested"
    LOST = "lost"  # somebody else owns the run now, or it has ended


def label_fault(label: str) -> str | None:
    """What is wrong with the name of a worker's label; None: nothing."""
    if _LABEL.match(label):
        return None
    return f"holds {label[:60]!r}: a label has 1 to 63 lower-case letters, digits, '.', '_', '/' and '-'"
