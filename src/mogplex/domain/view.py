"""How things look to callers: the objects of the contract, made from what is known. Pure; no clock, no disk.

Here is what is small; runs, repos and sandboxes have modules of their own beside this one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mogplex.domain.access import ApiKey
from mogplex.domain.check import CheckRecord
from mogplex.domain.event import Event

API_PATH = "/api/v1/mogplex"


def format_time(seconds: float | None) -> str | None:
    """ISO-8601 in UTC with milliseconds and `Z`, from seconds since 1970."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_object(event: Event, *, raw: bool = False) -> dict[str, Any]:
    """`raw` adds the line of the harness behind it, null where there is none."""
    return {
        "id": event.id,
        "seq": event.seq,
        "type": event.type,
        "toolName": event.tool_name,
        "message": event.message,
        "payload": dict(event.payload),
        "createdAt": format_time(event.created_at),
        "attempt": event.attempt,
        **({"raw": event.raw} if raw else {}),
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
