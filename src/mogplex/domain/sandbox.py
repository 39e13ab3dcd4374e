"""One record per attempt: the sandbox it ran in, what was enforced, and how it was left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class SandboxStatus(StrEnum):
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"  # its worker was lost; nobody could look at it


@dataclass(frozen=True, slots=True)
class SandboxFacts:
    """What a worker knows of an attempt's sandbox. None and empty mean: not known (yet), so nothing is overwritten."""

    name: str | None = None  # the driver's own name for it
    driver: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    enforced: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    killed_by: str | None = None
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    processes_left: int | None = None
    log: str = ""


@dataclass(frozen=True, slots=True)
class SandboxRecord:
    """As it is stored. Times are seconds since 1970, UTC."""

    id: str
    run_id: str
    repo_id: str
    repo_full_name: str
    attempt: int
    worker_id: str
    status: SandboxStatus
    created_at: float
    name: str | None = None
    driver: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    enforced: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    killed_by: str | None = None
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    processes_left: int | None = None
    ended_at: float | None = None
    stop_requested_at: float | None = None
    stop_requested_by: str | None = None
