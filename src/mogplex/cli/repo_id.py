"""Which repo a command means: an id as it is, or the id behind owner/name."""

from __future__ import annotations

from mogplex.cli.options import Server
from mogplex.client import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def find_repo_id(server: Server, repo: str) -> str:
    """Raises ApiError when no repo bears the name."""
    if "/" not in repo:
        return repo
    for found in server.client.list_repos(repo).get("repos") or []:
        if repo_name(found).lower() == repo.lower():
            return str(found["id"])
    raise ApiError("NOT_FOUND", f"repo {repo} not found", [], None, 404, None)


def repo_name(repo: Mapping[str, Any]) -> str:
    return str(repo.get("full_name") or repo.get("fullName") or "-")
