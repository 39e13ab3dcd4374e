"""The table of API keys. Only hashes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mogplex.domain.access import ApiKey, Scope
from mogplex.store.database import Transaction
from mogplex.store.schema import api_keys

_FIELDS = tuple(each.name for each in fields(ApiKey))
_COLUMNS = tuple(api_keys.c[name] for name in _FIELDS)


def insert(tx: Transaction, key: ApiKey, secret_hash: str) -> None:
    row = {name: getattr(key, name) for name in _FIELDS}
    row["scopes"] = list(key.scopes)
    row["repo_ids"] = None if key.repo_ids is None else list(key.repo_ids)
    tx.execute(api_keys.insert(), {**row, "hash": secret_hash})


def get(tx: Transaction, key_id: str) -> ApiKey | None:
    row = tx.execute(sa.select(*_COLUMNS).where(api_keys.c.id == key_id)).one_or_none()
    return None if row is None else _key_of(row)


def find_by_prefix(tx: Transaction, prefix: str) -> list[tuple[ApiKey, str]]:
    """Each key that begins so, with its hash: one, as a rule."""
    found = tx.execute(sa.select(*_COLUMNS, api_keys.c.hash).where(api_keys.c.prefix == prefix))
    return [(_key_of(row[:-1]), row[-1]) for row in found]


def select(tx: Transaction) -> list[ApiKey]:
    """The newest first."""
    wanted = sa.select(*_COLUMNS).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
    return [_key_of(row) for row in tx.execute(wanted)]


def exist(tx: Transaction) -> bool:
    return tx.execute(sa.select(api_keys.c.id).limit(1)).first() is not None


def touch(tx: Transaction, key_id: str, only_before: float) -> None:
    """Note that the key was used now, unless that was noted after `only_before`."""
    stale = sa.or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < only_before)
    tx.execute(api_keys.update().where(api_keys.c.id == key_id, stale).values(last_used_at=tx.now))


def revoke(tx: Transaction, key_id: str) -> None:
    """From now on; an earlier revocation keeps its time."""
    live = api_keys.c.revoked_at.is_(None)
    tx.execute(api_keys.update().where(api_keys.c.id == key_id, live).values(revoked_at=tx.now))


def _key_of(row: Sequence[Any]) -> ApiKey:
    found = dict(zip(_FIELDS, row, strict=True))
    found["scopes"] = tuple(Scope(value) for value in found["scopes"])
    found["repo_ids"] = None if found["repo_ids"] is None else tuple(found["repo_ids"])
    return ApiKey(**found)
