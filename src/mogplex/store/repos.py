"""The table of repos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import sqlalchemy as sa

from mogplex.domain.budget import Budget
from mogplex.domain.forge import ForgeSettings
from mogplex.domain.hook import HookSettings
from mogplex.domain.repo import Repo
from mogplex.domain.run import CheckPolicy
from mogplex.store import secrets as secret_table
from mogplex.store.database import Transaction
from mogplex.store.runs import columns_of
from mogplex.store.schema import repos

_FIELDS = tuple(each.name for each in fields(Repo) if each.name != "secrets")
_COLUMNS = tuple(repos.c[name] for name in _FIELDS)


def insert(tx: Transaction, repo: Repo) -> None:
    tx.execute(repos.insert(), columns_of({name: getattr(repo, name) for name in _FIELDS}))


def update(tx: Transaction, repo_id: str, values: Mapping[str, Any]) -> None:
    tx.execute(repos.update().where(repos.c.id == repo_id).values(**columns_of(values), updated_at=tx.now))


def delete(tx: Transaction, repo_id: str) -> None:
    tx.execute(repos.delete().where(repos.c.id == repo_id))


def get(tx: Transaction, repo_id: str) -> Repo | None:
    return next(iter(_read(tx, sa.select(*_COLUMNS).where(repos.c.id == repo_id))), None)


def find_by_clone_url(tx: Transaction, clone_url: str) -> Repo | None:
    return next(iter(_read(tx, sa.select(*_COLUMNS).where(repos.c.clone_url == clone_url))), None)


def find_by_full_name(tx: Transaction, full_name: str) -> list[Repo]:
    return _read(tx, sa.select(*_COLUMNS).where(repos.c.full_name == full_name))


def select(tx: Transaction, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> list[Repo]:
    """By name."""
    return _read(tx, sa.select(*_COLUMNS).where(*conditions).order_by(repos.c.full_name, repos.c.id).limit(limit))


def select_hooked(tx: Transaction) -> list[Repo]:
    """Those that a forge's messages may start runs of."""
    found = _read(tx, sa.select(*_COLUMNS).where(repos.c.hooks.not_in([{}, HookSettings().as_wire()])))
    return [repo for repo in found if repo.hooks.on]


def _read(tx: Transaction, wanted: sa.Select[Any]) -> list[Repo]:
    found = [_repo_of(row) for row in tx.execute(wanted)]
    notes = secret_table.notes(tx, [repo.id for repo in found]) if found else {}
    return [replace(repo, secrets=notes.get(repo.id, ())) for repo in found]


def _repo_of(row: Sequence[Any]) -> Repo:
    found = dict(zip(_FIELDS, row, strict=True))
    for name in ("setup", "checks", "allow_hosts", "push_branches", "check_files"):
        found[name] = tuple(found[name])
    found["check_policy"] = CheckPolicy(found["check_policy"])
    found["budget"] = Budget.of(found["budget"])
    found["hooks"] = HookSettings.of(found["hooks"])
    found["forge"] = ForgeSettings.of(found["forge"])
    return Repo(**found)
