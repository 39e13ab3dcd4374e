"""How a repo looks to callers. Pure; no clock, no disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mogplex.domain.errors import BadRequest
from mogplex.domain.forge import DEFAULT_LABELS, locate
from mogplex.domain.repo import Repo
from mogplex.domain.secret import SecretNote
from mogplex.domain.setup import Step
from mogplex.domain.view import format_time

_PASSWORD_IN_URL = re.compile(r"^([a-z][a-z0-9+.-]*://[^/@:]*):[^/]*@", re.IGNORECASE)


def repo_object(repo: Repo, detected: Iterable[Step] | None = None) -> dict[str, Any]:
    """Documented in snake_case; of variables, whose values are secrets, the names only.

    `detected`: the setup that its files ask for, if somebody looked.
    """
    return {
        "id": repo.id,
        "full_name": repo.full_name,
        "installation_id": None,  # documented for the hosted product; there are no installations here
        "default_branch": repo.default_branch,
        "root_directory": repo.root_directory or None,
        "clone_url": hide_password(repo.clone_url),
        "setup": list(repo.setup),
        "setup_detected": None if detected is None else [_step_object(step) for step in detected],
        "python": repo.python,
        "checks": list(repo.checks),
        "check_policy": repo.check_policy,
        "check_files": list(repo.check_files),
        "protect_tests": repo.protect_tests,
        "image": repo.image or None,
        "env_names": sorted(repo.environment),
        "secrets": [secret_object(note) for note in repo.secrets],
        "allow_hosts": list(repo.allow_hosts),
        "push_branches": list(repo.push_branches),
        "harness": repo.default_harness,
        "budget": repo.budget.as_wire(),
        "timeout_seconds": repo.timeout_seconds,
        "concurrency": repo.concurrency,
        "forge": forge_object(repo),
        "hooks": repo.hooks.as_wire() if repo.hooks.on else None,
        "created_at": format_time(repo.created_at),
        "updated_at": format_time(repo.updated_at),
    }


def forge_object(repo: Repo) -> dict[str, Any] | None:
    """Where its pull requests are opened; None when that can't be told, so that none can be."""
    try:
        place = locate(repo.clone_url, repo.forge)
    except BadRequest:
        return None
    labels = DEFAULT_LABELS if repo.forge.labels is None else repo.forge.labels
    return {"kind": place.kind, "api_url": place.api_url, "project": place.project, "labels": list(labels)}


def _step_object(step: Step) -> dict[str, Any]:
    return {"source": step.source, "tool": step.tool, "command": step.command}


def secret_object(note: SecretNote) -> dict[str, Any]:
    """All that is ever told of a secret; its version is ours alone."""
    return {
        "name": note.name,
        "phases": [str(phase) for phase in note.phases],
        "created_at": format_time(note.created_at),
        "updated_at": format_time(note.updated_at),
    }


def hide_password(url: str) -> str:
    """`https://me:secret@host/x` → `https://me:[redacted]@host/x`."""
    return _PASSWORD_IN_URL.sub(r"\1:[redacted]@", url)
