"""API keys: who a secret stands for, and making, listing and revoking them."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

from mogplex.domain.access import (
    SHOWN_CHARACTERS,
    ApiKey,
    Caller,
    Origin,
    Scope,
    generate_key,
    hash_key,
    is_same_hash,
    is_well_formed,
    parse_scopes,
)
from mogplex.domain.audit import Action
from mogplex.domain.errors import BadRequest, Forbidden, ServiceUnavailable, Unauthorized
from mogplex.domain.fields import is_storable
from mogplex.service.audit import note
from mogplex.service.ids import generate_id, is_id, missing
from mogplex.service.sign_ins import SignIns
from mogplex.store import keys as key_table
from mogplex.store import repos as repo_table
from mogplex.store.database import Database, Transaction

TOUCH_EVERY_SECONDS = 60.0
MAX_NAME_CHARACTERS = 100
FIRST_OWNER = "admin"
_log = logging.getLogger(__name__)


class Keys:
    def __init__(self, database: Database, sign_ins: SignIns) -> None:
        self._database = database
        self._sign_ins = sign_ins

    def authenticate(self, secret: str, origin: Origin | None = None) -> Caller:
        """Raises Unauthorized, whose message says whether the key is missing, malformed, unknown, expired or revoked.

        A database that cannot be asked is ServiceUnavailable, never Unauthorized.
        """
        secret = secret.strip()
        if not secret:
            raise Unauthorized("Missing API key: send it as 'Authorization: Bearer mog_…', or set MOGPLEX_API_KEY.")
        if not is_well_formed(secret):
            self._sign_ins.refused(origin, "malformed", None)
            raise Unauthorized("Malformed API key: it is mistyped or cut. A key begins with 'mog_' and has 50 letters.")
        given = hash_key(secret)
        with self._database.read() as tx:
            # By what is no secret; what is one is compared here, in a time that tells nothing.
            candidates = key_table.find_by_prefix(tx, secret[:SHOWN_CHARACTERS])
            now = tx.now
        key = next((each for each, stored in candidates if is_same_hash(stored, given)), None)
        if key is None:
            self._sign_ins.refused(origin, "unknown", None)
            raise Unauthorized("Unknown API key: it is not of this server. Ask an admin: mogplex keys create")
        if key.revoked_at is not None:
            self._sign_ins.refused(origin, "revoked", key.id)
            raise Unauthorized(f"Revoked API key: {key.prefix}… may not be used any more. Ask an admin for a new one.")
        if not key.is_live(now):
            self._sign_ins.refused(origin, "expired", key.id)
            raise Unauthorized(f"Expired API key: the time of {key.prefix}… is over. Ask an admin for a new one.")
        if key.last_used_at is None or key.last_used_at < now - TOUCH_EVERY_SECONDS:
            self._touch(key)
        return Caller.of(key, origin)

    def is_live(self, key_id: str) -> bool:
        """For what stays open: whether the key still holds."""
        with self._database.read() as tx:
            key = key_table.get(tx, key_id)
            return key is not None and key.is_live(tx.now)

    def create_first(self) -> str | None:
        """The secret of an admin key when there is no key at all, else None."""
        with self._database.write() as tx:
            tx.take_turn("first key")
            if key_table.exist(tx):
                return None
            _, secret = _insert(tx, "admin", FIRST_OWNER, (Scope.ADMIN,), None, None)
            return secret

    def reset_admin(self) -> str:
        """The secret of a new admin key, for whoever can open the database itself. Other keys stay as they are."""
        with self._database.write() as tx:
            key, secret = _insert(tx, "admin, reset", FIRST_OWNER, (Scope.ADMIN,), None, None)
            note(tx, Caller.of(key), Action.KEY_CREATED, key.id, name=key.name, scopes=[str(Scope.ADMIN)])
            return secret

    def create(
        self,
        caller: Caller,
        *,
        name: str,
        scopes: Sequence[str],
        repo_ids: Sequence[str] | None = None,
        expires_at: float | None = None,
        owner: str | None = None,
    ) -> tuple[ApiKey, str]:
        """The key and its secret, which is told this once. `owner` shares quota and idempotency keys; default: yours.

        A key that is bound to repos can only make keys that are bound to some of them. Raises BadRequest, Forbidden.
        """
        caller.require(Scope.ADMIN)
        name = _clean_name("name", name)
        owner = caller.owner if owner is None else _clean_name("owner", owner)
        if not scopes:
            raise BadRequest(f"scopes may not be empty: give some of {', '.join(Scope)}.")
        try:
            granted = parse_scopes(scopes)
        except ValueError as fault:
            raise BadRequest(f"{fault}: known scopes are {', '.join(Scope)}.") from fault
        with self._database.write() as tx:
            if expires_at is not None and not (math.isfinite(expires_at) and expires_at > tx.now):
                raise BadRequest("expiresAt must lie in the future.")
            bound = _bind(tx, caller, repo_ids)
            made = _insert(tx, name, owner, granted, bound, expires_at)
            note(tx, caller, Action.KEY_CREATED, made[0].id, _only(bound), name=name, scopes=[str(s) for s in granted])
            return made

    def list(self, caller: Caller) -> list[ApiKey]:
        """The newest first, revoked ones included; a bound key sees those that are bound within its own repos."""
        caller.require(Scope.ADMIN)
        with self._database.read() as tx:
            return [key for key in key_table.select(tx) if _may_handle(caller, key)]

    def get(self, key_id: str) -> ApiKey:
        """Raises NotFound."""
        with self._database.read() as tx:
            return _get(tx, key_id)

    def revoke(self, caller: Caller, key_id: str) -> ApiKey:
        """From the next request on. Revoking twice changes nothing. Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            key = _get(tx, key_id)
            if not _may_handle(caller, key):
                raise missing("key", key_id)
            if key.revoked_at is None:
                note(tx, caller, Action.KEY_REVOKED, key.id, _only(key.repo_ids), name=key.name)
            key_table.revoke(tx, key_id)
            return _get(tx, key_id)

    def _touch(self, key: ApiKey) -> None:
        try:
            with self._database.write(durable=False) as tx:
                key_table.touch(tx, key.id, tx.now - TOUCH_EVERY_SECONDS)
        except ServiceUnavailable as fault:
            # When a key was last used is worth no refusal: the request may only want to read.
            _log.warning("The last use of key %s could not be noted: %s", key.id, fault.message)


def _insert(
    tx: Transaction,
    name: str,
    owner: str,
    scopes: tuple[Scope, ...],
    repo_ids: tuple[str, ...] | None,
    expires_at: float | None,
) -> tuple[ApiKey, str]:
    secret = generate_key()
    key = ApiKey(
        id=generate_id("key"),
        name=name,
        owner=owner,
        prefix=secret[:SHOWN_CHARACTERS],
        scopes=scopes,
        repo_ids=repo_ids,
        created_at=tx.now,
        expires_at=expires_at,
    )
    key_table.insert(tx, key, hash_key(secret))
    return key, secret


def _get(tx: Transaction, key_id: str) -> ApiKey:
    key = key_table.get(tx, key_id) if is_id(key_id, "key") else None
    if key is None:
        raise missing("key", key_id)
    return key


def _bind(tx: Transaction, caller: Caller, repo_ids: Sequence[str] | None) -> tuple[str, ...] | None:
    if repo_ids is None:
        return None if caller.repo_ids is None else tuple(sorted(caller.repo_ids))
    if not repo_ids:
        raise BadRequest("repoIds may not be empty: leave it out for every repo.")
    for repo_id in repo_ids:
        if not caller.may_see(repo_id):
            raise Forbidden(f"This key is bound to other repos than {repo_id[:100]!r} and can't grant it.")
        if not is_id(repo_id, "repo") or repo_table.get(tx, repo_id) is None:
            raise BadRequest(f"repoIds: there is no repo {repo_id[:100]!r}. See: mogplex repos list")
    return tuple(sorted(set(repo_ids)))


def _only(repo_ids: Sequence[str] | None) -> str | None:
    """The repo that a key is about, when it is about a single one."""
    return repo_ids[0] if repo_ids and len(repo_ids) == 1 else None


def _may_handle(caller: Caller, key: ApiKey) -> bool:
    if caller.repo_ids is None:
        return True
    return key.repo_ids is not None and caller.repo_ids.issuperset(key.repo_ids)


def _clean_name(field_name: str, value: str) -> str:
    cleaned = value.strip()
    if not 1 <= len(cleaned) <= MAX_NAME_CHARACTERS or not is_storable(cleaned):
        raise BadRequest(f"{field_name} must have 1 to {MAX_NAME_CHARACTERS} characters, not {len(cleaned)}.")
    return cleaned
