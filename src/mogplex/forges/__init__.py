"""Forges: one module an API. Which one a repo needs is told by `domain.forge.locate`."""

from __future__ import annotations

from mogplex.domain.forge import ForgeKind
from mogplex.forges.gitea import Gitea
from mogplex.forges.github import GitHub
from mogplex.forges.gitlab import GitLab

ADAPTERS = {ForgeKind.GITHUB: GitHub, ForgeKind.GITLAB: GitLab, ForgeKind.GITEA: Gitea}
