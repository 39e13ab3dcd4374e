"""The table of repo secrets: sealed values, and what may be told of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from mogplex.domain.secret import Phase, SecretNote
from mogplex.store.database import Transaction
from mogplex.store.schema import repo_secrets

_NOTE = ("name", "phases", "version", "created_at", "updated_at")
_NOTE_COLUMNS = tuple(repo_secrets.c[name] for name in _NOTE)


def put(tx: Transaction, repo_id: str, note: SecretNote, sealed: str) -> None:
    """In place of an earlier one of that name, under the caller's turn."""
    remove(tx, repo_id, note.name)
    row: dict[str, Any] = {name: getattr(note, name) for name in _NOTE}
    tx.execute(repo_secrets.insert(), {**row, "phases": list(note.phases), "repo_id": repo_id, "sealed": sealed})


def remove(tx: Transaction, repo_id: str, name: str) -> bool:
    """Whether there was one."""
    where = (repo_secrets.c.repo_id == repo_id, repo_secrets.c.name == name)
    return tx.execute(repo_secrets.delete().where(*where)).rowcount > 0


def select(tx: Transaction, repo_id: str) -> list[tuple[SecretNote, str]]:
    """Each with its sealed value, by name."""
    wanted = sa.select(*_NOTE_COLUMNS, repo_secrets.c.sealed).where(repo_secrets.c.repo_id == repo_id)
    return [(_note_of(row[:-1]), row[-1]) for row in tx.execute(wanted.order_by(repo_secrets.c.name))]


def notes(tx: Transaction, repo_ids: Iterable[str]) -> dict[str, tuple[SecretNote, ...]]:
    """Of each repo that has any, by name."""
    wanted = sa.select(repo_secrets.c.repo_id, *_NOTE_COLUMNS).where(repo_secrets.c.repo_id.in_(list(repo_ids)))
    found: dict[str, tuple[SecretNote, ...]] = {}
    for repo_id, *row in tx.execute(wanted.order_by(repo_secrets.c.name)):
        found[repo_id] = (*found.get(repo_id, ()), _note_of(row))
    return found


def select_all(tx: Transaction) -> list[tuple[str, str, str]]:
    """(repo id, name, sealed value) of every secret."""
    columns = (repo_secrets.c.repo_id, repo_secrets.c.name, repo_secrets.c.sealed)
    return [(row[0], row[1], row[2]) for row in tx.execute(sa.select(*columns))]


def reseal(tx: Transaction, repo_id: str, name: str, old: str, new: str) -> None:
    """Unless somebody changed it meanwhile."""
    where = (repo_secrets.c.repo_id == repo_id, repo_secrets.c.name == name, repo_secrets.c.sealed == old)
    tx.execute(repo_secrets.update().where(*where).values(sealed=new))


def _note_of(row: Sequence[Any]) -> SecretNote:
    found = dict(zip(_NOTE, row, strict=True))
    found["phases"] = tuple(Phase(value) for value in found["phases"])
    return SecretNote(**found)
