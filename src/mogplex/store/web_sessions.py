"""The table of browsers that are signed in, and the names of keys for those who may read their runs."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from mogplex.domain.access import ApiKey
from mogplex.store import keys
from mogplex.store.database import Transaction
from mogplex.store.report_tables import web_sessions
from mogplex.store.schema import api_keys


def insert(tx: Transaction, token_hash: str, key_id: str, expires_at: float) -> None:
    row = {"hash": token_hash, "key_id": key_id, "created_at": tx.now, "expires_at": expires_at}
    tx.execute(web_sessions.insert(), row)


def find_key(tx: Transaction, token_hash: str) -> ApiKey | None:
    """The key behind a session that is not over; the key itself may be."""
    mine = (web_sessions.c.hash == token_hash, web_sessions.c.expires_at > tx.now)
    key_id = tx.execute(sa.select(web_sessions.c.key_id).where(*mine)).scalar_one_or_none()
    return None if key_id is None else keys.get(tx, key_id)


def delete(tx: Transaction, token_hash: str) -> None:
    tx.execute(web_sessions.delete().where(web_sessions.c.hash == token_hash))


def forget_ended(tx: Transaction) -> None:
    tx.execute(web_sessions.delete().where(web_sessions.c.expires_at <= tx.now))


def names_of_keys(tx: Transaction, key_ids: Collection[str]) -> dict[str, str]:
    wanted = sa.select(api_keys.c.id, api_keys.c.name).where(api_keys.c.id.in_(sorted(key_ids)))
    return {row.id: row.name for row in tx.execute(wanted)}
