"""Which values must never be told back: what a run and its repo put into the environment of a sandbox."""

from __future__ import annotations

from mogplex.domain.repo import Repo
from mogplex.domain.run import Run


def secrets_of(run: Run, repo: Repo | None) -> tuple[str, ...]:
    """`repo` is None when it was removed meanwhile."""
    of_repo = () if repo is None else tuple(repo.environment.values())
    return tuple(dict.fromkeys((*run.environment.values(), *of_repo)))
