"""Webhooks: registering them, changing their secrets, reading and repeating what was sent."""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mogplex.domain.access import Caller, Scope
from mogplex.domain.audit import Action
from mogplex.domain.errors import BadRequest, Forbidden, WorkspaceError
from mogplex.domain.webhook import DEFAULT_TOPICS, DeliveryStatus, SigningSecret, Topic, Webhook, WebhookDelivery
from mogplex.service.audit import note
from mogplex.service.ids import generate_id, is_id, missing
from mogplex.service.outbox import make_delivery
from mogplex.service.page import clamp_limit
from mogplex.service.repos import find_repo
from mogplex.service.vault import Vault
from mogplex.service.webhook_request import read_webhook
from mogplex.store import webhooks as webhook_table
from mogplex.store.database import Database, Transaction

SECRET_BYTES = 32
KEEP_OLD_SECRET_SECONDS = 86400.0
MAX_WEBHOOKS = 100
_log = logging.getLogger(__name__)


class Webhooks:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def create(self, caller: Caller, body: Mapping[str, Any]) -> tuple[Webhook, str]:
        """The webhook and the secret that it signs with, which is told this once. Raises BadRequest, Forbidden."""
        caller.require(Scope.ADMIN)
        asked = read_webhook(body, creating=True)
        secret = _generate_secret()
        with self._database.write() as tx:
            if len(webhook_table.select(tx)) >= MAX_WEBHOOKS:
                raise BadRequest(f"There are {MAX_WEBHOOKS} webhooks already. Remove one: mogplex webhooks delete ID")
            webhook_id = generate_id("hook")
            webhook = Webhook(
                id=webhook_id,
                url=asked["url"],
                topics=asked.get("events") or DEFAULT_TOPICS,
                repo_ids=_bind(tx, caller, asked.get("repos")),
                secrets=(SigningSecret(self._vault.seal(webhook_id, secret)),),
                created_at=tx.now,
            )
            webhook_table.insert(tx, webhook)
            note(tx, caller, Action.WEBHOOK_CREATED, webhook.id)
        return webhook, secret

    def list(self, caller: Caller) -> list[Webhook]:
        """The newest first. A key that is bound to repos sees those of its own repos only."""
        caller.require(Scope.ADMIN)
        with self._database.read() as tx:
            return [webhook for webhook in webhook_table.select(tx) if _may_see(caller, webhook)]

    def get(self, caller: Caller, webhook_id: str) -> Webhook:
        """Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.read() as tx:
            return _visible(tx, caller, webhook_id)

    def update(self, caller: Caller, webhook_id: str, body: Mapping[str, Any]) -> Webhook:
        """Change what `body` gives of `url`, `events`, `repos` (null: all of them) and `enabled`; the secret stays.

        What waits to be sent goes to the new URL. Raises BadRequest, NotFound, Forbidden.
        """
        caller.require(Scope.ADMIN)
        asked = read_webhook(body, creating=False)
        with self._database.write() as tx:
            webhook = _visible(tx, caller, webhook_id)
            values: dict[str, Any] = {}
            if "url" in asked:
                values["url"] = asked["url"]
            if "events" in asked:
                values["topics"] = asked["events"] or DEFAULT_TOPICS
            if "repos" in asked:
                values["repo_ids"] = _bind(tx, caller, asked["repos"])
            if "enabled" in asked:
                values["disabled_at"] = None if asked["enabled"] else webhook.disabled_at or tx.now
            if values:
                webhook_table.update(tx, webhook.id, values)
                note(tx, caller, Action.WEBHOOK_CHANGED, webhook.id, fields=sorted(asked))
            return _visible(tx, caller, webhook.id)

    def remove(self, caller: Caller, webhook_id: str) -> None:
        """With all that it still had to tell. Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            webhook = _visible(tx, caller, webhook_id)
            webhook_table.remove(tx, webhook.id)
            note(tx, caller, Action.WEBHOOK_REMOVED, webhook.id)

    def rotate(self, caller: Caller, webhook_id: str) -> tuple[Webhook, str]:
        """A new secret, told this once; the old one signs as well for a day. Raises NotFound."""
        caller.require(Scope.ADMIN)
        secret = _generate_secret()
        with self._database.write() as tx:
            webhook = _visible(tx, caller, webhook_id)
            until = tx.now + KEEP_OLD_SECRET_SECONDS
            kept = [each for each in webhook.secrets if each.until is None or each.until > tx.now]
            old = [replace(each, until=each.until or until) for each in kept]
            signing = (SigningSecret(self._vault.seal(webhook.id, secret)), *old)
            webhook_table.update(tx, webhook.id, {"secrets": signing, "disabled_at": None})
            note(tx, caller, Action.WEBHOOK_CHANGED, webhook.id, rotated=True)
            return _visible(tx, caller, webhook.id), secret

    def test(self, caller: Caller, webhook_id: str) -> WebhookDelivery:
        """Send something now, to see whether it arrives. Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            webhook = _visible(tx, caller, webhook_id)
            delivery = make_delivery(tx, webhook, Topic.WEBHOOK_TEST, {"webhookId": webhook.id})
            webhook_table.insert_deliveries(tx, [delivery])
        return delivery

    def reseal(self) -> int:
        """Seal with the first key whatever was sealed with another one; how many secrets that were."""
        done = 0
        with self._database.write() as tx:
            for webhook in webhook_table.select(tx):
                sealed = [self._reseal(webhook, each) for each in webhook.secrets]
                changed = sum(new is not old for new, old in zip(sealed, webhook.secrets, strict=True))
                if changed:
                    webhook_table.update(tx, webhook.id, {"secrets": tuple(sealed)})
                done += changed
        return done

    def _reseal(self, webhook: Webhook, secret: SigningSecret) -> SigningSecret:
        if self._vault.is_current(secret.sealed):
            return secret
        try:
            value = self._vault.open(webhook.id, secret.sealed)
        except WorkspaceError as fault:
            _log.warning("%s", fault.message)  # its deliveries will say so too; others go on
            return secret
        return replace(secret, sealed=self._vault.seal(webhook.id, value))

    def deliveries(self, caller: Caller, webhook_id: str, limit: int = 50) -> Sequence[WebhookDelivery]:
        """The newest first. Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.read() as tx:
            webhook = _visible(tx, caller, webhook_id)
            return webhook_table.select_deliveries(tx, webhook.id, clamp_limit(limit))

    def redeliver(self, caller: Caller, webhook_id: str, delivery_id: str) -> WebhookDelivery:
        """Send it again, with the same id, so that a receiver can tell. Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            webhook = _visible(tx, caller, webhook_id)
            found = webhook_table.get_delivery(tx, delivery_id) if is_id(delivery_id, "msg") else None
            if found is None or found.webhook_id != webhook.id:
                raise missing("delivery", delivery_id)
            again = replace(found, status=DeliveryStatus.PENDING, next_at=tx.now, tries=0)
            values = {"status": again.status, "next_at": again.next_at, "tries": again.tries}
            webhook_table.update_delivery(tx, found.id, values)
            return again


def _generate_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _bind(tx: Transaction, caller: Caller, repos: list[str] | None) -> tuple[str, ...] | None:
    if repos is None:
        if caller.repo_ids is not None:
            raise Forbidden("This key is bound to repos: name some of them in repos.")
        return None
    return tuple(sorted({find_repo(tx, caller, each).id for each in repos}))


def _may_see(caller: Caller, webhook: Webhook) -> bool:
    if caller.repo_ids is None:
        return True
    return webhook.repo_ids is not None and caller.repo_ids.issuperset(webhook.repo_ids)


def _visible(tx: Transaction, caller: Caller, webhook_id: str) -> Webhook:
    found = webhook_table.get(tx, webhook_id) if is_id(webhook_id, "hook") else None
    if found is None or not _may_see(caller, found):
        raise missing("webhook", webhook_id)
    return found
