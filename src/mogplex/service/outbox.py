"""What is to be told by webhook, written in the transaction of the fact itself: never lost, never too early."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mogplex.domain.view import format_time
from mogplex.domain.webhook import Topic, Webhook, WebhookDelivery
from mogplex.service.ids import generate_id
from mogplex.store import webhooks as webhook_table
from mogplex.store.database import Transaction


def announce(tx: Transaction, topic: Topic, repo_id: str, data: Mapping[str, Any]) -> None:
    """Queue `topic` for every webhook that wants it of this repo. `data` bears ids and facts that can't change."""
    wanted = [
        webhook
        for webhook in webhook_table.select(tx, enabled_only=True)
        if topic in webhook.topics and (webhook.repo_ids is None or repo_id in webhook.repo_ids)
    ]
    deliveries = [make_delivery(tx, webhook, topic, {**data, "repoId": repo_id}) for webhook in wanted]
    webhook_table.insert_deliveries(tx, deliveries)


def make_delivery(
    tx: Transaction, webhook: Webhook, topic: Topic, data: Mapping[str, Any], url: str | None = None
) -> WebhookDelivery:
    """Due at once. `url`: another one than the webhook's."""
    body = json.dumps({"type": topic, "timestamp": format_time(tx.now), "data": dict(data)}, separators=(",", ":"))
    return WebhookDelivery(generate_id("msg"), webhook.id, topic, body, created_at=tx.now, next_at=tx.now, url=url)
