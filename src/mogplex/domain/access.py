"""Who may do what: API keys, their scopes and the caller they stand for."""

from __future__ import annotations

import hashlib
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from mogplex.domain.errors import Forbidden

KEY_PREFIX = "mog_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARACTERS = 40
_CHECK_CHARACTERS = 6
KEY_LENGTH = len(KEY_PREFIX) + _RANDOM_CHARACTERS + _CHECK_CHARACTERS
SHOWN_CHARACTERS = 12  # of a key, in lists and logs


class Scope(StrEnum):
    """`write` includes `read`; `admin` includes both."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


_INCLUDES = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.WRITE: frozenset({Scope.READ, Scope.WRITE}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller's secret, known to us by its hash only. Times are seconds since 1970, UTC."""

    id: str
    name: str
    owner: str
    prefix: str
    scopes: tuple[Scope, ...]
    repo_ids: tuple[str, ...] | None  # None: every repo
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None
    revoked_at: float | None = None

    def is_live(self, now: float) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: the client's address as its connection shows it, and our id of the request."""

    address: str | None = None
    request_id: str | None = None


ORIGIN_KEY = "mogplex.origin"  # under which the server leaves the `Origin` of a request for all doors behind it


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request is from, once its key is checked. `repo_ids` None means every repo."""

    key_id: str
    key_name: str
    owner: str
    scopes: frozenset[Scope]
    repo_ids: frozenset[str] | None = None
    origin: Origin | None = field(default=None, compare=False)

    @staticmethod
    def of(key: ApiKey, origin: Origin | None = None) -> Caller:
        granted: set[Scope] = set()
        for scope in key.scopes:
            granted |= _INCLUDES[scope]
        bound = None if key.repo_ids is None else frozenset(key.repo_ids)
        return Caller(key.id, key.name, key.owner, frozenset(granted), bound, origin)

    def require(self, scope: Scope) -> None:
        """Raises Forbidden when the key lacks `scope`."""
        if scope not in self.scopes:
            have = ", ".join(sorted(self.scopes)) or "none"
            raise Forbidden(
                f"Missing required scope: {scope}. This key has: {have}. "
                f"Ask an admin for a key with it: mogplex keys create --scope {scope}"
            )

    def may_see(self, repo_id: str) -> bool:
        return self.repo_ids is None or repo_id in self.repo_ids


def generate_key() -> str:
    body = KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Whether `key` has the shape and the checksum of a key: tells a typo from an unknown key, and nothing more."""
    if len(key) != KEY_LENGTH or not key.startswith(KEY_PREFIX) or not key.isascii():
        return False
    body, check = key[:-_CHECK_CHARACTERS], key[-_CHECK_CHARACTERS:]
    return secrets.compare_digest(_checksum(body), check)


def hash_key(key: str) -> str:
    """SHA-256 in hex. A key carries 238 random bits, so a slow hash would add nothing but load."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_same_hash(one: str, other: str) -> bool:
    """In a time that does not tell how much of them agrees."""
    return secrets.compare_digest(one.encode(), other.encode())


def parse_scopes(values: Iterable[str]) -> tuple[Scope, ...]:
    """Raises ValueError naming the first unknown scope."""
    found = {Scope(value) for value in values}
    return tuple(scope for scope in Scope if scope in found)


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(_CHECK_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
