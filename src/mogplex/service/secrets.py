"""Secrets of repos: setting and removing them, and opening them for whom they are for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mogplex.domain.access import Caller, Scope
from mogplex.domain.audit import Action
from mogplex.domain.errors import NotFound, WorkspaceError
from mogplex.domain.secret import Phase, SecretNote, read_name, read_secret
from mogplex.service.audit import note
from mogplex.service.repos import find_repo
from mogplex.service.sealing import check_forge_credential, check_git_credential, place_of, put_secret
from mogplex.service.vault import Vault
from mogplex.store import secrets as secret_table
from mogplex.store.database import Database

_log = logging.getLogger(__name__)


class Secrets:
    """Values go in and come out only to workers; `Repo.secrets` says which there are."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def put(self, caller: Caller, repo_id: str, name: str, body: Mapping[str, Any]) -> tuple[SecretNote, bool]:
        """What is told of the secret, and whether it is new. `body`: `{"value", "phases"}`.

        Raises BadRequest, NotFound; Conflict for a second git credential and for more secrets than a repo may have.
        """
        caller.require(Scope.ADMIN)
        name = read_name(name)
        value, phases = read_secret(body)
        if Phase.GIT in phases:
            check_git_credential(value)
        if Phase.FORGE in phases:
            check_forge_credential(value)
        with self._database.write() as tx:
            repo = find_repo(tx, caller, repo_id)
            tx.take_turn(f"secrets of {repo.id}")
            note(tx, caller, Action.SECRET_SET, name, repo.id, phases=[str(phase) for phase in phases])
            return put_secret(tx, self._vault, repo.id, name, value, phases)

    def remove(self, caller: Caller, repo_id: str, name: str) -> None:
        """Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            repo = find_repo(tx, caller, repo_id)
            note(tx, caller, Action.SECRET_REMOVED, name, repo.id)
            if not secret_table.remove(tx, repo.id, name):
                raise NotFound(
                    f"{repo.full_name} has no secret {name[:100]!r}. See: mogplex repos secrets list {repo.id}"
                )

    def reseal(self) -> int:
        """Seal with the first key whatever was sealed with another one; how many that were."""
        with self._database.write() as tx:
            old = [each for each in secret_table.select_all(tx) if not self._vault.is_current(each[2])]
            done = 0
            for repo_id, name, sealed in old:
                place = place_of(repo_id, name)
                try:
                    value = self._vault.open(place, sealed)
                except WorkspaceError as fault:
                    _log.warning("%s", fault.message)  # the runs of its repo will say so too; others go on
                    continue
                secret_table.reseal(tx, repo_id, name, sealed, self._vault.seal(place, value))
                done += 1
        return done
