"""The table of repos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from mogplex.domain.budget import Budget
from mogplex.domain.repo import Repo
from mogplex.domain.run import CheckPolicy
from mogplex.store.database import Transaction
from mogplex.store.runs import columns_of
from mogplex.store.schema import repos

_FIELDS = tuple(each.name for each in fields(Repo))
_COLUMNS = tuple(repos.c[name] for name in _FIELDS)


def insert(tx: Transaction, repo: Repo) -> None:
    tx.execute(repos.insert(), columns_of({name: getattr(repo, name) for name in _FIELDS}))


def update(tx: Transaction, repo_id: str, values: Mapping[str, Any]) -> None:
    tx.execute(repos.update().where(repos.c.id == repo_id).values(**columns_of(values), updated_at=tx.now))


def delete(tx: Transaction, repo_id: str) -> None:
    tx.execute(repos.delete().where(repos.c.id == repo_id))


def get(tx: Transaction, repo_id: str) -> Repo | None:
    row = tx.execute(sa.select(*_COLUMNS).where(repos.c.id == repo_id)).one_or_none()
    return None if row is None else _repo_of(row)


def find_by_clone_url(tx: Transaction, clone_url: str) -> Repo | None:
    row = tx.execute(sa.select(*_COLUMNS).where(repos.c.clone_url == clone_url)).one_or_none()
    return None if row is None else _repo_of(row)


def find_by_full_name(tx: Transaction, full_name: str) -> list[Repo]:
    return [_repo_of(row) for row in tx.execute(sa.select(*_COLUMNS).where(repos.c.full_name == full_name))]


def select(tx: Transaction, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> list[Repo]:
    """By name."""
    wanted = sa.select(*_COLUMNS).where(*conditions).order_by(repos.c.full_name, repos.c.id).limit(limit)
    return [_repo_of(row) for row in tx.execute(wanted)]


def _repo_of(row: Sequence[Any]) -> Repo:
    found = dict(zip(_FIELDS, row, strict=True))
    for name in ("setup", "checks", "allow_hosts", "push_branches", "check_files"):
        found[name] = tuple(found[name])
    found["check_policy"] = CheckPolicy(found["check_policy"])
    found["budget"] = Budget.of(found["budget"])
    return Repo(**found)
