"""Webhooks: who is told of what over HTTP, and each telling with its tries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    """What can be told. Payloads bear ids, not objects: a late delivery is never stale."""

    RUN_STARTED = "run.started"
    RUN_FINISHED = "run.finished"
    SCHEDULE_ALARM = "schedule.alarm"
    WEBHOOK_TEST = "webhook.test"  # only when asked for


DEFAULT_TOPICS = (Topic.RUN_FINISHED, Topic.SCHEDULE_ALARM)


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up after the last try


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """`sealed` for the vault. `until` (seconds since 1970) is set for one that was replaced: it signs till then too."""

    sealed: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Times are seconds since 1970, UTC. `repo_ids` None: of every repo."""

    id: str
    url: str
    topics: tuple[Topic, ...]
    repo_ids: tuple[str, ...] | None
    secrets: tuple[SigningSecret, ...]
    created_at: float
    disabled_at: float | None = None  # its receiver answered 410 Gone


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One telling. `id` is the `webhook-id` that receivers tell repetitions by; `body` is what is signed and sent."""

    id: str
    webhook_id: str
    topic: Topic
    body: str
    created_at: float
    status: DeliveryStatus = DeliveryStatus.PENDING
    next_at: float | None = None
    tries: int = 0
    last_at: float | None = None
    last_status: int | None = None  # of the answer
    last_error: str | None = None
    url: str | None = None  # None: that of the webhook
