"""How a sandbox looks to callers. Pure; no clock, no disk."""

from __future__ import annotations

from typing import Any

from mogplex.domain.sandbox import SandboxRecord
from mogplex.domain.view import format_time


def sandbox_name(run_id: str, attempt: int) -> str:
    """The name an attempt's sandbox goes by: in the driver, in process lists, as `sandboxId`."""
    return f"{run_id}-{attempt}"


def sandbox_object(record: SandboxRecord) -> dict[str, Any]:
    """Documented in snake_case; one record an attempt. `processes_left` must be 0 once it has ended."""
    return {
        "id": record.id,
        "sandbox_id": record.name or sandbox_name(record.run_id, record.attempt),
        "run_id": record.run_id,
        "attempt": record.attempt,
        "repo_id": record.repo_id,
        "repo_full_name": record.repo_full_name,
        "worker_id": record.worker_id,
        "status": record.status,
        "driver": record.driver,
        "limits": dict(record.limits),
        "enforced": dict(record.enforced),
        "exit_code": record.exit_code,
        "killed_by": record.killed_by,
        "wall_seconds": record.wall_seconds,
        "cpu_seconds": record.cpu_seconds,
        "peak_memory_bytes": record.peak_memory_bytes,
        "processes_left": record.processes_left,
        "created_at": format_time(record.created_at),
        "ended_at": format_time(record.ended_at),
        "stop_requested_at": format_time(record.stop_requested_at),
        "stop_requested_by": record.stop_requested_by,
    }
