"""Browsers that are signed in: an opaque token for a key, which ends with it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection

from mogplex.domain.access import Caller, Origin
from mogplex.domain.errors import RateLimited
from mogplex.service.keys import Keys
from mogplex.store import hits, web_sessions
from mogplex.store.database import Database

SESSION_SECONDS = 7 * 86400
TRIES = 10  # to sign in, of one address
TRIES_WINDOW_SECONDS = 60.0
_TOKEN_BYTES = 32


class WebSessions:
    """A token says nothing by itself: it is random, and kept as a hash. So the browser never holds the key."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    def sign_in(self, secret: str, origin: Origin) -> str:
        """A new session's token for an API key. Raises RateLimited after too many tries, Unauthorized."""
        self._take_try(origin.address or "?")
        caller = self._keys.authenticate(secret, origin)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._database.write() as tx:
            web_sessions.forget_ended(tx)
            web_sessions.insert(tx, _hash(token), caller.key_id, tx.now + SESSION_SECONDS)
        return token

    def find(self, token: str, origin: Origin | None = None) -> Caller | None:
        """Who is signed in with `token`, and asks from `origin`: None once the session or its key is over."""
        if not token or len(token) > 100:
            return None
        with self._database.read() as tx:
            key = web_sessions.find_key(tx, _hash(token))
            return Caller.of(key, origin) if key is not None and key.is_live(tx.now) else None

    def sign_out(self, token: str) -> None:
        with self._database.write() as tx:
            web_sessions.delete(tx, _hash(token))

    def names_of_keys(self, key_ids: Collection[str]) -> dict[str, str]:
        """Names by id, to say who started a run; removed keys are left out."""
        with self._database.read() as tx:
            return web_sessions.names_of_keys(tx, key_ids)

    def _take_try(self, address: str) -> None:
        """Good tries count too: whoever has a key needs few of them."""
        name = f"sign-in {address}"
        with self._database.write(durable=False) as tx:
            tx.take_turn(name)
            since = tx.now - TRIES_WINDOW_SECONDS
            hits.forget_before(tx, name, since)
            count, oldest, _ = hits.count_since(tx, name, since)
            if count >= TRIES:
                wait_seconds = max((oldest or tx.now) + TRIES_WINDOW_SECONDS - tx.now, 1.0)
                raise RateLimited(f"Too many tries to sign in. Try again in {wait_seconds:.0f} s.", wait_seconds)
            hits.insert(tx, name)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
