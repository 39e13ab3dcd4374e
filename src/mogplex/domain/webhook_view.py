"""How webhooks look to callers; their secrets are shown by nobody here."""

from __future__ import annotations

import json
from typing import Any

from mogplex.domain.view import format_time
from mogplex.domain.webhook import Webhook, WebhookDelivery


def hide_query(url: str) -> str:
    """Without what some receivers take for a secret."""
    return url.split("?", 1)[0]


def webhook_object(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.topics),
        "repos": None if webhook.repo_ids is None else list(webhook.repo_ids),
        "secrets": len(webhook.secrets),
        "createdAt": format_time(webhook.created_at),
        "disabledAt": format_time(webhook.disabled_at),
    }


def delivery_object(delivery: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "event": delivery.topic,
        "status": delivery.status,
        "tries": delivery.tries,
        "nextTryAt": format_time(delivery.next_at),
        "lastTryAt": format_time(delivery.last_at),
        "lastStatus": delivery.last_status,
        "lastError": delivery.last_error,
        "url": None if delivery.url is None else hide_query(delivery.url),
        "payload": json.loads(delivery.body),
        "createdAt": format_time(delivery.created_at),
    }
