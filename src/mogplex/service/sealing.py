"""Repo secrets inside a transaction: sealed on the way in, opened on the way out."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from mogplex.domain.errors import BadRequest, Conflict, Detail
from mogplex.domain.github_app import AppKey, is_app
from mogplex.domain.secret import GIT_CREDENTIAL, MAX_SECRETS, OUTSIDE, OpenSecret, Phase, SecretNote, is_private_key
from mogplex.service.vault import Vault
from mogplex.store import secrets as secret_table
from mogplex.store.database import Transaction


def open_secrets(tx: Transaction, vault: Vault, repo_id: str) -> tuple[OpenSecret, ...]:
    """With their values. Raises WorkspaceError that says which can't be opened and what to do."""
    return tuple(
        OpenSecret(note.name, note.phases, vault.open(place_of(repo_id, note.name), sealed))
        for note, sealed in secret_table.select(tx, repo_id)
    )


def put_secret(
    tx: Transaction, vault: Vault, repo_id: str, name: str, value: str, phases: tuple[Phase, ...]
) -> tuple[SecretNote, bool]:
    """The same value again keeps its version, so that nothing is prepared anew for it."""
    there = {note.name: (note, sealed) for note, sealed in secret_table.select(tx, repo_id)}
    before = there.get(name)
    if before is None and len(there) >= MAX_SECRETS:
        raise Conflict(f"A repo may have {MAX_SECRETS} secrets; remove one first.")
    for phase in OUTSIDE:
        other = next((note.name for note, _ in there.values() if phase in note.phases and note.name != name), None)
        if phase in phases and other is not None:
            raise Conflict(
                f"The secret {other} is this repo's {phase} credential already. Set that one, or remove it first."
            )
    place = place_of(repo_id, name)
    version, created_at = random.token_hex(8), tx.now
    if before is not None:
        created_at = before[0].created_at
        if vault.can_open(place, before[1]) and random.compare_digest(
            vault.open(place, before[1]).encode(), value.encode()
        ):
            version = before[0].version
    note = SecretNote(name, phases, version, created_at, tx.now)
    secret_table.put(tx, repo_id, note, vault.seal(place, value))
    return note, before is None


def put_git_credential(tx: Transaction, vault: Vault, repo_id: str, value: str) -> None:
    """The one that came with the repo's registration."""
    put_secret(tx, vault, repo_id, GIT_CREDENTIAL, value, (Phase.GIT,))


def git_credential(tx: Transaction, vault: Vault, repo_id: str) -> str | None:
    return next((each.value for each in open_secrets(tx, vault, repo_id) if Phase.GIT in each.phases), None)


def check_git_credential(value: str) -> None:
    """Raises BadRequest for a private key that can't be used without somebody to type its password."""
    if is_app(value):
        _check_app(value)
        return
    if not is_private_key(value):
        if any(each.isspace() for each in value.strip()):
            raise _refusal("is neither a token, user:token, nor a private key: it has blanks in it")
        return
    _check_key(value, load_ssh_private_key if "OPENSSH" in value.split("\n", 1)[0] else load_pem_private_key)


def check_forge_credential(value: str) -> None:
    """Raises BadRequest for what no forge's API takes."""
    if is_private_key(value):
        raise _refusal("is a private key, which no forge's API takes: give a token, or a GitHub App as JSON")
    check_git_credential(value)


def _check_app(value: str) -> None:
    try:
        app = AppKey.of(value)
    except ValueError as fault:
        raise _refusal(f"looks like a GitHub App but can't be read as one: {fault}") from fault
    if not isinstance(_check_key(app.private_key, load_pem_private_key), RSAPrivateKey):
        raise _refusal("is a GitHub App whose privateKey is no RSA key: give the one that GitHub made")


def _check_key(text: str, load: Callable[[bytes, None], Any]) -> Any:
    try:
        return load(text.strip().encode() + b"\n", None)
    except TypeError as fault:
        raise _refusal("is a private key with a password, and nobody is there to type it: give one without") from fault
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise _refusal("looks like a private key but can't be read as one: give the whole file") from fault


def _refusal(reason: str) -> BadRequest:
    return BadRequest(f"Invalid secret: value {reason}", [Detail("value", reason)])


def place_of(repo_id: str, name: str) -> str:
    return f"{repo_id}/{name}"
