"""Which values must never be told back, and the sanitisers that know them."""

from __future__ import annotations

import logging

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.repo import Repo
from mogplex.domain.run import Run
from mogplex.domain.sanitiser import OpenSanitiser, Sanitiser
from mogplex.domain.secret import known_values
from mogplex.service.sealing import open_secrets
from mogplex.service.vault import Vault
from mogplex.store.database import Transaction

_log = logging.getLogger(__name__)


class KnownSecrets:
    """`open_sanitiser` knows what this process itself holds (the keys of model providers) besides what it is told."""

    def __init__(self, open_sanitiser: OpenSanitiser, vault: Vault) -> None:
        self._open_sanitiser = open_sanitiser
        self.vault = vault

    def sanitiser(self) -> Sanitiser:
        """For what belongs to no run."""
        return self._open_sanitiser(())

    def sanitiser_of(self, tx: Transaction, run: Run, repo: Repo | None) -> Sanitiser:
        """Knows what run and repo put into sandboxes, and what git gets. `repo` None: it was removed meanwhile."""
        known = [*run.environment.values()]
        if repo is not None:
            known += [*repo.environment.values(), *self._of_repo(tx, repo)]
        return self._open_sanitiser(dict.fromkeys(known))

    def _of_repo(self, tx: Transaction, repo: Repo) -> tuple[str, ...]:
        if not repo.secrets:
            return ()
        try:
            return known_values(open_secrets(tx, self.vault, repo.id))
        except WorkspaceError as fault:
            # What nobody can open can't be shown by anybody; the run itself is told why it can't have it.
            _log.warning("%s", fault.message)
            return ()
