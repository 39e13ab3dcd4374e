"""What is kept about who did what. Nothing in here is ever changed but the count of refused sign-ins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mogplex.domain.view import format_time


class Action(StrEnum):
    """The closed list of what is written down."""

    REPO_ADDED = "repo.added"
    REPO_CHANGED = "repo.changed"
    REPO_REMOVED = "repo.removed"
    SECRET_SET = "secret.set"
    SECRET_REMOVED = "secret.removed"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    RUN_STARTED = "run.started"
    RUN_RETRIED = "run.retried"
    RUN_CANCELLED = "run.cancelled"
    SANDBOX_STOPPED = "sandbox.stopped"
    SCHEDULE_CREATED = "schedule.created"
    SCHEDULE_CHANGED = "schedule.changed"
    SCHEDULE_REMOVED = "schedule.removed"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_REMOVED = "webhook.removed"
    SIGN_IN_REFUSED = "sign_in.refused"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`target` is the id of what was acted on; for a refused sign-in it is what was wrong with the key. `count` is how
    often that happened within the hour after `at`."""

    id: int
    at: float
    action: Action
    target: str
    key_id: str | None = None
    key_name: str | None = None
    owner: str | None = None
    repo_id: str | None = None
    address: str | None = None
    request_id: str | None = None
    count: int = 1
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_wire(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "at": format_time(self.at),
            "action": str(self.action),
            "target": self.target,
            "keyId": self.key_id,
            "keyName": self.key_name,
            "owner": self.owner,
            "repoId": self.repo_id,
            "address": self.address,
            "requestId": self.request_id,
            "count": self.count,
            "detail": dict(self.detail),
        }
