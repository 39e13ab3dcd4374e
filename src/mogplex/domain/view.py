"""How things look to callers: the objects of the contract, made from what is known. Pure; no clock, no disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from mogplex.domain.access import ApiKey
from mogplex.domain.budget import Budget
from mogplex.domain.check import CheckRecord
from mogplex.domain.event import Event
from mogplex.domain.repo import Repo
from mogplex.domain.run import Changes, Run, Status
from mogplex.domain.sandbox import SandboxRecord
from mogplex.domain.usage import Usage

API_PATH = "/api/v1/mogplex"
TITLE_CHARACTERS = 80
LISTED_PROMPT_CHARACTERS = 1000  # of a prompt in a list: 200 runs of 100,000 characters each would be 20 MB
ENGINE = "dbos"
_PASSWORD_IN_URL = re.compile(r"^([a-z][a-z0-9+.-]*://[^/@:]*):[^/]*@", re.IGNORECASE)


class QueuePlace(Protocol):
    """Where a pending run waits: `position` 1 is the next to start; `ahead` runs start before it."""

    @property
    def position(self) -> int: ...

    @property
    def ahead(self) -> int: ...


def format_time(seconds: float | None) -> str | None:
    """ISO-8601 in UTC with milliseconds and `Z`, from seconds since 1970."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ai_call_id(run_id: str) -> str:
    """The documented second id of a run. It says nothing of its own, so it follows from the first."""
    return "call_" + run_id.removeprefix("run_")


def sandbox_name(run_id: str, attempt: int) -> str:
    """The name an attempt's sandbox goes by: in the driver, in process lists, as `sandboxId`."""
    return f"{run_id}-{attempt}"


def run_object(run: Run, queue: QueuePlace | None = None) -> dict[str, Any]:
    """The run object: every documented field, null where nothing is known yet. URLs are paths on this server."""
    url = f"{API_PATH}/runs/{run.id}"
    waiting = run.status is Status.PENDING and queue is not None
    return {
        "runId": run.id,
        "aiCallId": ai_call_id(run.id),
        "status": run.status,
        "outcome": run.outcome,
        "verdict": run.verdict,
        "error": run.error,
        "failure": run.failure.as_wire() if run.failure else None,
        "title": run.title or make_title(run.prompt),
        "prompt": run.prompt,
        "promptCharacters": len(run.prompt),
        "repoId": run.repo_id,
        "repo": {"id": run.repo_id, "fullName": run.repo_full_name},
        "harness": run.harness,
        "model": run.model,
        "mode": run.mode,
        "branch": {"base": run.base_branch, "working": run.working_branch, "createBranch": run.create_branch},
        "commit": run.commit,
        "baseCommit": run.base_commit,
        "rootDirectory": run.root_directory or None,
        "delivery": run.delivery,
        "checks": list(run.checks),
        "labels": dict(run.labels),
        "priority": run.priority,
        "conversationId": run.conversation_id,
        "workspaceSessionId": run.workspace_session_id,
        "attempt": run.attempt,
        "retryOf": run.retry_of,
        "retriedBy": run.retried_by,
        "apiKeyId": run.api_key_id,
        "sandboxRecordId": run.sandbox_record_id,
        "sandboxId": sandbox_name(run.id, run.attempt) if run.sandbox_record_id else None,
        "runtime": {"provider": ENGINE, "runId": run.id},
        "createdAt": format_time(run.created_at),
        "updatedAt": format_time(run.updated_at),
        "cancelRequestedAt": format_time(run.cancel_requested_at),
        "cancelRequestedBy": run.cancel_requested_by,
        "baseline": run.baseline,
        "testsTouched": list(run.tests_touched),
        "usage": run.usage.as_wire(),
        "costUsd": run.cost_usd,
        "costKnown": run.cost_known,
        "budget": budget_object(run.budget, run.usage, run.cost_usd if run.cost_known else None),
        "timeoutSeconds": run.timeout_seconds,
        "timing": {
            **run.timing.as_wire(),
            "startedAt": format_time(run.started_at),
            "finishedAt": format_time(run.finished_at),
        },
        "changes": changes_object(run.changes, f"{url}/patch", run.pull_request_url),
        "result": None if run.result is None else dict(run.result),
        "queue": {"position": queue.position, "ahead": queue.ahead} if waiting and queue else None,
        "lastSeq": run.last_seq,
        "eventsUrl": f"{url}/events",
        "streamUrl": f"{url}/stream",
        "cancelUrl": f"{url}/cancel",
        "retryUrl": f"{url}/retry",
        "patchUrl": f"{url}/patch",
    }


def listed_run_object(run: Run, queue: QueuePlace | None = None) -> dict[str, Any]:
    """A run object as it stands in a list: the same, but for a long prompt, which is cut."""
    return {**run_object(run, queue), "prompt": run.prompt[:LISTED_PROMPT_CHARACTERS]}


def make_title(prompt: str) -> str:
    """The first line of a prompt, cut to a line's length."""
    line = prompt.strip().splitlines()[0].strip() if prompt.strip() else ""
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1] + "…"


def budget_object(budget: Budget, usage: Usage, cost_usd: float | None) -> dict[str, Any]:
    """The limits, and under `left` what remains of each; null is "no limit", and for dollars also "not known".

    Reasoning tokens are part of the output tokens, so they are not counted again.
    """
    tokens = usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    spent_usd = 0.0 if cost_usd is None and usage.model_calls == 0 else cost_usd
    return {
        "usd": budget.usd,
        "tokens": budget.tokens,
        "modelCalls": budget.model_calls,
        "toolCalls": budget.tool_calls,
        "left": {
            "usd": None if budget.usd is None or spent_usd is None else max(0.0, round(budget.usd - spent_usd, 6)),
            "tokens": _left(budget.tokens, tokens),
            "modelCalls": _left(budget.model_calls, usage.model_calls),
            "toolCalls": _left(budget.tool_calls, usage.tool_calls),
        },
    }


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)


def changes_object(changes: Changes | None, patch_url: str, pull_request_url: str | None) -> dict[str, Any] | None:
    if changes is None:
        return None
    return {**changes.as_wire(), "patchUrl": patch_url, "pullRequestUrl": pull_request_url}


def event_object(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "seq": event.seq,
        "type": event.type,
        "toolName": event.tool_name,
        "message": event.message,
        "payload": dict(event.payload),
        "createdAt": format_time(event.created_at),
        "attempt": event.attempt,
    }


def tool_object(call: Event, result: Event | None) -> dict[str, Any]:
    """A tool call and what came of it; `ok` and the rest are null while it works."""
    told = {} if result is None else result.payload
    return {
        "seq": call.seq,
        "attempt": call.attempt,
        "callId": call.payload.get("callId"),
        "toolName": call.tool_name,
        "arguments": call.payload.get("arguments"),
        "startedAt": format_time(call.created_at),
        "finishedAt": None if result is None else format_time(result.created_at),
        "resultSeq": None if result is None else result.seq,
        "ok": told.get("ok"),
        "exitCode": told.get("exitCode"),
        "summary": told.get("summary"),
        "durationMs": told.get("durationMs"),
    }


def repo_object(repo: Repo) -> dict[str, Any]:
    """Documented in snake_case. Values of variables are secrets, so only their names are shown."""
    return {
        "id": repo.id,
        "full_name": repo.full_name,
        "installation_id": None,  # documented for the hosted product; there are no installations here
        "default_branch": repo.default_branch,
        "root_directory": repo.root_directory or None,
        "clone_url": hide_password(repo.clone_url),
        "setup": list(repo.setup),
        "checks": list(repo.checks),
        "env_names": sorted(repo.environment),
        "allow_hosts": list(repo.allow_hosts),
        "push_branches": list(repo.push_branches),
        "harness": repo.default_harness,
        "budget": repo.budget.as_wire(),
        "timeout_seconds": repo.timeout_seconds,
        "created_at": format_time(repo.created_at),
        "updated_at": format_time(repo.updated_at),
    }


def hide_password(url: str) -> str:
    """`https://me:secret@host/x` → `https://me:[redacted]@host/x`."""
    return _PASSWORD_IN_URL.sub(r"\1:[redacted]@", url)


def key_object(key: ApiKey) -> dict[str, Any]:
    """Everything about a key but its secret, which nobody knows any more."""
    return {
        "id": key.id,
        "name": key.name,
        "owner": key.owner,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "repos": None if key.repo_ids is None else list(key.repo_ids),
        "createdAt": format_time(key.created_at),
        "expiresAt": format_time(key.expires_at),
        "lastUsedAt": format_time(key.last_used_at),
        "revokedAt": format_time(key.revoked_at),
    }


def check_object(check: CheckRecord) -> dict[str, Any]:
    return {**check.as_wire(), "createdAt": format_time(check.created_at)}


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
        "limits": _plain(record.limits),
        "enforced": _plain(record.enforced),
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


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(values)
