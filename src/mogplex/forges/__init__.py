"""Forges: one module an API. Which one a repo needs is told by `domain.forge.locate`."""

from __future__ import annotations

from mogplex.domain.forge import ForgeKind
from mogplex.forges.gitea import Gitea
from mogplex.forges.github import GitHub
from mogplex.forges.gitlab import GitLab

Adapter = type[GitHub] | type[GitLab] | type[Gitea]
ADAPTERS: dict[ForgeKind, Adapter] = {ForgeKind.GITHUB: GitHub, ForgeKind.GITLAB: GitLab, ForgeKind.GITEA: Gitea}
