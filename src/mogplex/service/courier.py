"""Carries webhooks to their receivers, signed as Standard Webhooks says, again and again until one takes them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook as Signer

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.exchange import NoReply, Reply
from mogplex.domain.webhook import DeliveryStatus, Webhook, WebhookDelivery
from mogplex.service.due import pause_after, try_each
from mogplex.service.vault import Vault
from mogplex.store import webhooks as webhook_table
from mogplex.store.database import Database

# After each failed try: seconds to the next. After the last one it is given up.
PAUSES_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0, 4 * 3600.0, 12 * 3600.0, 24 * 3600.0)
TRY_SECONDS = 15.0
LEASE_SECONDS = 120.0  # of a process that died while it was sending
HANDS = 8
GONE = 410
MAX_ERROR_CHARACTERS = 500
Post = Callable[[str, bytes, Mapping[str, str], float], Reply]
_log = logging.getLogger(__name__)


class Courier:
    """Any number of processes may carry: each try is taken by one of them."""

    def __init__(self, database: Database, vault: Vault, post: Post) -> None:
        """`post(url, body, headers, timeout_seconds)` raises NoReply."""
        self._database = database
        self._vault = vault
        self._post = post

    def carry(self) -> int:
        """One try for each delivery that is due. Returns how many were tried."""
        return try_each(self._database, webhook_table.select_due, self._try, hands=HANDS, name="webhooks")

    def _try(self, delivery: WebhookDelivery) -> bool:
        with self._database.write() as tx:
            if not webhook_table.take(tx, delivery, LEASE_SECONDS):
                return False
            webhook = webhook_table.get(tx, delivery.webhook_id)
            now = tx.now
        if webhook is None:
            return False
        if webhook.disabled_at is not None:
            self._note(
                delivery, {"status": DeliveryStatus.FAILED, "next_at": None, "last_error": "webhook is disabled"}
            )
            return True
        try:
            headers = self._sign(webhook, delivery, now)
            answer = self._post(delivery.url or webhook.url, delivery.body.encode(), headers, TRY_SECONDS)
        except (NoReply, WorkspaceError) as fault:
            self._note(delivery, _after_failure(delivery, now, None, str(fault)[:MAX_ERROR_CHARACTERS]))
            return True
        self._take_answer(webhook, delivery, answer, now)
        return True

    def _sign(self, webhook: Webhook, delivery: WebhookDelivery, now: float) -> dict[str, str]:
        moment = datetime.fromtimestamp(now, UTC)
        opened = [
            self._vault.open(webhook.id, each.sealed)
            for each in webhook.secrets
            if each.until is None or each.until > now
        ]
        signatures = [Signer(secret).sign(delivery.id, moment, delivery.body) for secret in opened]
        return {
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": " ".join(signatures),
            "User-Agent": "mogplex",
        }

    def _take_answer(self, webhook: Webhook, delivery: WebhookDelivery, answer: Reply, now: float) -> None:
        if 200 <= answer.status < 300:
            values = {"status": DeliveryStatus.DELIVERED, "next_at": None, "last_status": answer.status}
            self._note(delivery, {**values, "last_error": None})
            return
        if answer.status == GONE and delivery.url is None:
            _log.warning("webhook %s answers 410 Gone and is disabled", webhook.id)
            with self._database.write() as tx:
                webhook_table.update(tx, webhook.id, {"disabled_at": tx.now})
        error = f"answered {answer.status}"
        self._note(delivery, _after_failure(delivery, now, answer, error))

    def _note(self, delivery: WebhookDelivery, values: Mapping[str, Any]) -> None:
        with self._database.write() as tx:
            webhook_table.update_delivery(tx, delivery.id, values)


def _after_failure(delivery: WebhookDelivery, now: float, answer: Reply | None, error: str) -> dict[str, Any]:
    """When to try again, if at all."""
    status = answer.status if answer else None
    told: dict[str, Any] = {"last_status": status, "last_error": error}
    pause = pause_after(delivery.tries + 1, PAUSES_SECONDS, answer.retry_after_seconds if answer else None)
    if status == GONE or pause is None:
        return {**told, "status": DeliveryStatus.FAILED, "next_at": None}
    return {**told, "next_at": now + pause}
