"""Seals values for the database with keys that are kept elsewhere, and opens them again."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from mogplex.domain.errors import BadRequest, WorkspaceError

MAKE_KEY = "openssl rand -base64 32 | tr '+/' '-_'"


class Vault:
    """`keys`: Fernet keys (32 bytes in URL-safe Base64). The first seals, each of them opens: so keys are changed by
    putting a new one in front. A sealed value is bound to its place, so that rows can't be swapped for one another."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises BadRequest for something that is no key, without showing it."""
        if not keys:
            raise BadRequest("There is no key for secrets. Make one: " + MAKE_KEY)
        opened = []
        for number, key in enumerate(keys, start=1):
            try:
                opened.append(Fernet(key))
            except ValueError as fault:
                raise BadRequest(f"Key {number} for secrets is none: it must be made by {MAKE_KEY}") from fault
        self._first = opened[0]
        self._all = MultiFernet(opened)

    @staticmethod
    def generate_key() -> str:
        return Fernet.generate_key().decode()

    def seal(self, place: str, value: str) -> str:
        """ASCII text that says nothing but how long `value` is, and when it was sealed."""
        return self._all.encrypt(json.dumps([place, value]).encode()).decode()

    def open(self, place: str, sealed: str) -> str:
        """Raises WorkspaceError when none of the keys fits, or the text was sealed for another place."""
        try:
            found, value = json.loads(self._all.decrypt(sealed.encode()))
        except (InvalidToken, ValueError) as fault:
            raise WorkspaceError(
                f"The secret {place} can't be opened with the keys at hand. Give the key that it was sealed with as a "
                "further one (MOGPLEX_SECRET_KEY, MOGPLEX_SECRET_KEY_FILE), or set the secret anew."
            ) from fault
        if found != place:
            raise WorkspaceError(f"What is kept as the secret {place} was sealed for {found}. Set it anew.")
        return str(value)

    def can_open(self, place: str, sealed: str) -> bool:
        try:
            self.open(place, sealed)
        except WorkspaceError:
            return False
        return True

    def is_current(self, sealed: str) -> bool:
        """Whether the first key opens it."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True
