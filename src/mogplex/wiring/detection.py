"""Looks at a repo for the door: which setup do its files ask for?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.forge import ForgeFault
from mogplex.domain.repo import Repo
from mogplex.domain.secret import GitCredential
from mogplex.domain.setup import Step
from mogplex.forges.forges import Forges
from mogplex.service.sealing import open_secrets
from mogplex.service.vault import Vault
from mogplex.store.database import Database
from mogplex.workspace.detection import detect_steps
from mogplex.workspace.mirror import Mirrors

LONGEST_SECONDS = 15.0  # somebody waits for the answer; the first run of the repo has all the time it needs
log = logging.getLogger(__name__)


class SetupDetection:
    def __init__(self, mirrors: Mirrors, database: Database, vault: Vault, forges: Forges) -> None:
        self._forges = forges
        self._mirrors = mirrors
        self._database = database
        self._vault = vault

    def detect(self, repo: Repo) -> Sequence[Step] | None:
        """From the mirror as it is, which is made if there is none. None: it can't be told now, or is settled."""
        if repo.setup:
            return None
        try:
            return asyncio.run(asyncio.wait_for(self._detect(repo), LONGEST_SECONDS))
        except (WorkspaceError, ForgeFault, OSError, TimeoutError) as fault:
            log.info("the setup of %s can't be told: %s", repo.full_name, fault)
            return None

    async def _detect(self, repo: Repo) -> Sequence[Step] | None:
        mirror = self._mirrors.known(repo.id)
        if mirror is None:
            credential = await asyncio.to_thread(self._credential, repo)
            mirror = await self._mirrors.refresh(repo.id, repo.clone_url, credential)
        commit = await mirror.resolve_branch(repo.default_branch)
        return None if commit is None else await detect_steps(mirror, commit, repo.root_directory)

    def _credential(self, repo: Repo) -> GitCredential | None:
        with self._database.read() as tx:
            secrets = open_secrets(tx, self._vault, repo.id)
        return self._forges.git_credential(repo, secrets)
