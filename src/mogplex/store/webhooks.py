"""Webhooks and their deliveries, rows to objects and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mogplex.domain.webhook import DeliveryStatus, SigningSecret, Topic, Webhook, WebhookDelivery
from mogplex.store.database import Transaction
from mogplex.store.webhook_tables import webhook_deliveries, webhooks

_FIELDS = tuple(each.name for each in fields(Webhook))
_DELIVERY_FIELDS = tuple(each.name for each in fields(WebhookDelivery))
_COLUMNS = tuple(webhooks.c[name] for name in _FIELDS)
_DELIVERY_COLUMNS = tuple(webhook_deliveries.c[name] for name in _DELIVERY_FIELDS)


def insert(tx: Transaction, webhook: Webhook) -> None:
    tx.execute(webhooks.insert(), _columns_of({name: getattr(webhook, name) for name in _FIELDS}))


def get(tx: Transaction, webhook_id: str) -> Webhook | None:
    row = tx.execute(sa.select(*_COLUMNS).where(webhooks.c.id == webhook_id)).one_or_none()
    return None if row is None else _webhook_of(row)


def select(tx: Transaction, *, enabled_only: bool = False) -> list[Webhook]:
    """The newest first."""
    wanted = sa.select(*_COLUMNS).order_by(webhooks.c.created_at.desc(), webhooks.c.id)
    if enabled_only:
        wanted = wanted.where(webhooks.c.disabled_at.is_(None))
    return [_webhook_of(row) for row in tx.execute(wanted)]


def update(tx: Transaction, webhook_id: str, values: Mapping[str, Any]) -> None:
    tx.execute(webhooks.update().where(webhooks.c.id == webhook_id).values(**_columns_of(values)))


def remove(tx: Transaction, webhook_id: str) -> None:
    tx.execute(webhooks.delete().where(webhooks.c.id == webhook_id))


def insert_deliveries(tx: Transaction, deliveries: Sequence[WebhookDelivery]) -> None:
    rows = [{name: getattr(each, name) for name in _DELIVERY_FIELDS} for each in deliveries]
    if rows:
        tx.execute(webhook_deliveries.insert(), rows)


def get_delivery(tx: Transaction, delivery_id: str) -> WebhookDelivery | None:
    wanted = sa.select(*_DELIVERY_COLUMNS).where(webhook_deliveries.c.id == delivery_id)
    row = tx.execute(wanted).one_or_none()
    return None if row is None else _delivery_of(row)


def select_deliveries(tx: Transaction, webhook_id: str, limit: int) -> list[WebhookDelivery]:
    """The newest first."""
    wanted = sa.select(*_DELIVERY_COLUMNS).where(webhook_deliveries.c.webhook_id == webhook_id)
    order = (webhook_deliveries.c.created_at.desc(), webhook_deliveries.c.id)
    return [_delivery_of(row) for row in tx.execute(wanted.order_by(*order).limit(limit))]


def select_due(tx: Transaction, limit: int) -> list[WebhookDelivery]:
    wanted = sa.select(*_DELIVERY_COLUMNS).where(webhook_deliveries.c.next_at <= tx.now)
    return [_delivery_of(row) for row in tx.execute(wanted.order_by(webhook_deliveries.c.next_at).limit(limit))]


def take(tx: Transaction, delivery: WebhookDelivery, lease_seconds: float) -> bool:
    """Whether this try is the caller's: for `lease_seconds` nobody else takes the delivery."""
    change = webhook_deliveries.update().where(
        webhook_deliveries.c.id == delivery.id, webhook_deliveries.c.next_at == delivery.next_at
    )
    taken = change.values(next_at=tx.now + lease_seconds, tries=delivery.tries + 1, last_at=tx.now)
    return tx.execute(taken).rowcount == 1


def update_delivery(tx: Transaction, delivery_id: str, values: Mapping[str, Any]) -> None:
    tx.execute(webhook_deliveries.update().where(webhook_deliveries.c.id == delivery_id).values(**values))


def _columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(values)
    for name in ("topics", "repo_ids"):
        if kept.get(name) is not None:
            kept[name] = list(kept[name])
    if "secrets" in kept:
        kept["secrets"] = [{"sealed": each.sealed, "until": each.until} for each in kept["secrets"]]
    return kept


def _webhook_of(row: Sequence[Any]) -> Webhook:
    found = dict(zip(_FIELDS, row, strict=True))
    found["topics"] = tuple(Topic(each) for each in found["topics"])
    found["repo_ids"] = None if found["repo_ids"] is None else tuple(found["repo_ids"])
    found["secrets"] = tuple(SigningSecret(**each) for each in found["secrets"])
    return Webhook(**found)


def _delivery_of(row: Sequence[Any]) -> WebhookDelivery:
    found = dict(zip(_DELIVERY_FIELDS, row, strict=True))
    found["topic"], found["status"] = Topic(found["topic"]), DeliveryStatus(found["status"])
    return WebhookDelivery(**found)
