"""Secrets of a repo: who gets which. Their values are kept sealed and are never told back."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.fields import is_storable, kind_of, show
from mogplex.domain.github_app import AppKey, is_app

MAX_VALUE_CHARACTERS = 32 * 1024
MAX_SECRETS = 100  # of one repo
GIT_CREDENTIAL = "GIT_CREDENTIAL"  # the name under which one that came with the repo's registration is kept
TOKEN_USER = "x-access-token"  # goes with a token that came without a user's name; hosts look at the token only
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_PAIR = re.compile(r"[A-Za-z0-9._@+-]{1,100}:\S+\Z")


class Phase(StrEnum):
    """Who gets a secret. GIT (fetch and push), FORGE (pull requests) and HOOK (what a forge signs its messages with)
    stay outside of every sandbox, so each goes with no other."""

    SETUP = "setup"
    AGENT = "agent"
    CHECKS = "checks"
    GIT = "git"
    FORGE = "forge"
    HOOK = "hook"


OUTSIDE = (Phase.GIT, Phase.FORGE, Phase.HOOK)


@dataclass(frozen=True, slots=True)
class SecretNote:
    """All that is told of a secret. `version` is random and changes with the value, of which it says nothing."""

    name: str
    phases: tuple[Phase, ...]
    version: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class OpenSecret:
    """A secret with its value, on its way to whom it is for."""

    name: str
    phases: tuple[Phase, ...]
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GitCredential:
    """How we show a remote who we are: a user and a token for https, or the private key for ssh.

    `app` stands for a token that is yet to be fetched (`Forges.git_credential`).
    """

    user: str | None = None
    token: str | None = field(default=None, repr=False)
    ssh_key: str | None = field(default=None, repr=False)
    app: AppKey | None = None

    @staticmethod
    def of(value: str) -> GitCredential:
        """`token`, `user:token`, a private key as OpenSSH and OpenSSL write it, or a GitHub App as JSON."""
        text = value.strip()
        if is_app(text):
            return GitCredential(app=AppKey.of(text))
        if is_private_key(text):
            return GitCredential(ssh_key=text + "\n")
        user, _, token = text.partition(":") if _PAIR.match(text) else (TOKEN_USER, "", text)
        return GitCredential(user=user, token=token)

    @property
    def pair(self) -> str:
        return f"{self.user}:{self.token}"


def is_private_key(text: str) -> bool:
    return text.lstrip().startswith("-----BEGIN ") and "PRIVATE KEY-----" in text


def read_name(name: str) -> str:
    """Raises BadRequest for what can't be the name of an environment variable."""
    if not _NAME.match(name):
        raise BadRequest(
            f"{name[:100]!r} can't be the name of a secret: give a variable's name, letters, digits and '_' only.",
            [Detail("name", "must be the name of an environment variable")],
        )
    return name


def read_secret(body: Mapping[str, Any]) -> tuple[str, tuple[Phase, ...]]:
    """Value and phases from `{"value", "phases"}`. Raises BadRequest with a detail for each fault."""
    faults = [Detail(str(name)[:100], "is not a known field") for name in body if name not in ("value", "phases")]
    value, phases = body.get("value"), body.get("phases")
    fault = value_fault(value)
    if fault is not None:
        faults.append(Detail("value", fault))
    found: list[Phase] = []
    if not isinstance(phases, list) or not phases:
        faults.append(Detail("phases", f"must name who gets it: a list of some of {', '.join(Phase)}"))
    else:
        unknown = [each for each in phases if each not in list(Phase)]
        faults += [Detail("phases", f"{show(each)} is none of {', '.join(Phase)}") for each in unknown[:10]]
        found = [phase for phase in Phase if phase in phases]
    for phase in OUTSIDE:
        if phase in found and len(found) > 1:
            faults.append(Detail("phases", f"{phase} goes with no other: what it is for must not enter a sandbox"))
    if faults:
        raise BadRequest("Invalid secret: " + "; ".join(f"{each.field} {each.reason}" for each in faults), faults)
    return str(value), tuple(found)


def value_fault(value: Any) -> str | None:
    """What is wrong with a secret's value, without showing it."""
    if not isinstance(value, str):
        return f"must be a string, not {kind_of(value)}"
    if not value.strip() or len(value) > MAX_VALUE_CHARACTERS or not is_storable(value):
        return f"must have 1 to {MAX_VALUE_CHARACTERS:,} characters of text without NUL"
    return None


def environment_of(secrets: Iterable[OpenSecret], phase: Phase) -> dict[str, str]:
    """The variables that `phase` gets."""
    return {each.name: each.value for each in secrets if phase in each.phases}


def git_credential_of(secrets: Iterable[OpenSecret]) -> GitCredential | None:
    value = next((each.value for each in secrets if Phase.GIT in each.phases), None)
    return None if value is None else GitCredential.of(value)


def forge_credential_of(secrets: Sequence[OpenSecret], *, own_host: bool) -> GitCredential | None:
    """The one for the forge's API, else git's if the API belongs to the host that it is for. Never a key for ssh."""
    value = next((each.value for each in secrets if Phase.FORGE in each.phases), None)
    found = GitCredential.of(value) if value is not None else git_credential_of(secrets) if own_host else None
    return None if found is None or found.ssh_key is not None else found


def known_values(secrets: Iterable[OpenSecret]) -> tuple[str, ...]:
    """Every text that would give one of them away: the values, and what git makes of them on the wire."""
    found: list[str] = []
    for secret in secrets:
        found.append(secret.value)
        if Phase.GIT in secret.phases or Phase.FORGE in secret.phases:
            credential = GitCredential.of(secret.value)
            if credential.app is not None:
                found.append(credential.app.private_key)
            if credential.token is not None:
                found += [credential.token, base64.b64encode(credential.pair.encode()).decode()]
    return tuple(dict.fromkeys(found))


def versions_of(notes: Iterable[SecretNote], phase: Phase) -> tuple[str, ...]:
    """What tells one set of values for `phase` from another, and nothing about them."""
    return tuple(sorted(f"{each.name} {each.version}" for each in notes if phase in each.phases))
