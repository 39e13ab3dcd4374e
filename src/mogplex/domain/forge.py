"""Where pull and merge requests of a repo live: found from its clone URL, or as its owner settled it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlsplit

from mogplex.domain.errors import BadRequest, DeliveryError, Detail

DEFAULT_LABELS = ("mogplex",)
_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!/)(\S+)\Z")
_PROJECT = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+\Z")


class ForgeKind(StrEnum):
    """Whose API is spoken. GITHUB is GitHub Enterprise too, GITEA is Forgejo too."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


@dataclass(frozen=True, slots=True)
class ForgeSettings:
    """What a repo's owner settled; None means: found from the clone URL."""

    kind: ForgeKind | None = None
    api_url: str | None = None
    project: str | None = None
    labels: tuple[str, ...] | None = None

    def as_wire(self) -> dict[str, Any]:
        labels = None if self.labels is None else list(self.labels)
        wire = {"kind": self.kind, "apiUrl": self.api_url, "project": self.project, "labels": labels}
        return {name: value for name, value in wire.items() if value is not None}

    @staticmethod
    def of(wire: Mapping[str, Any]) -> ForgeSettings:
        labels = wire.get("labels")
        return ForgeSettings(
            None if wire.get("kind") is None else ForgeKind(wire["kind"]),
            wire.get("apiUrl"),
            wire.get("project"),
            None if labels is None else tuple(labels),
        )


@dataclass(frozen=True, slots=True)
class ForgePlace:
    """`api_url` without a slash at its end; `project` is `owner/name`, on GitLab with all its groups.

    `own_host`: the API belongs to the host that the repo is cloned from, so git's credential may be shown to it.
    """

    kind: ForgeKind
    api_url: str
    project: str
    own_host: bool = False

    @property
    def owner(self) -> str:
        return self.project.split("/", 1)[0]

    @property
    def escaped_project(self) -> str:
        """As one part of a path."""
        return quote(self.project, safe="")


class ForgeFault(DeliveryError):
    """The forge refused; the message says why and what to do. `status` is that of its answer, if there was one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ForgeBusy(ForgeFault):
    """The forge can't be reached or has no time now. Asking again later may go well."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class AlreadyThere(ForgeFault):
    """Somebody opened a request for the branch just now."""


def locate(clone_url: str, settings: ForgeSettings) -> ForgePlace:
    """Raises BadRequest, with the setting to make, when kind, API or project can't be told."""
    host, path = _split(clone_url)
    kind = settings.kind or _kind_of(host)
    if kind is None:
        raise _refusal(
            f"Nothing tells which forge {host or clone_url!r} is, so no pull request can be opened there. Say it: "
            "mogplex repos set REPO --forge github|gitlab|gitea --forge-url https://HOST/api/…",
            "kind",
        )
    api_url = settings.api_url or _api_of(kind, host)
    if api_url is None:
        raise _refusal(
            f"{clone_url} names no host, so the API of its forge is not known. Give it: "
            "mogplex repos set REPO --forge-url https://HOST/api/…",
            "apiUrl",
        )
    project = settings.project or path
    if project_fault(project) is not None:
        raise _refusal(
            f"{clone_url} does not tell the project at its forge. Give it: mogplex repos set REPO --forge-project "
            "owner/name",
            "project",
        )
    return ForgePlace(kind, api_url.rstrip("/"), project, own_host=_belongs(api_url, host))


def project_fault(project: str) -> str | None:
    if _PROJECT.match(project) and not any(part in (".", "..") for part in project.split("/")):
        return None
    return "must look like owner/name (with all groups on GitLab)"


def _split(clone_url: str) -> tuple[str, str]:
    """Host (without a port; "" for a local path) and the path below it, without `.git`."""
    if "://" in clone_url:
        parts = urlsplit(clone_url)
        host, path = ("" if parts.scheme == "file" else (parts.hostname or "")), parts.path
    elif (match := _SCP_LIKE.match(clone_url)) is not None:
        host, path = match[1], match[2]
    else:
        return "", ""
    return host.lower(), path.strip("/").removesuffix(".git") if host else ""


def _kind_of(host: str) -> ForgeKind | None:
    if host == "github.com" or host.endswith(".ghe.com"):
        return ForgeKind.GITHUB
    if host in ("codeberg.org", "gitea.com"):
        return ForgeKind.GITEA
    words = {"github": ForgeKind.GITHUB, "gitlab": ForgeKind.GITLAB, "gitea": ForgeKind.GITEA}
    return {**words, "forgejo": ForgeKind.GITEA}.get(host.split(".", 1)[0])


def _api_of(kind: ForgeKind, host: str) -> str | None:
    if not host:
        return None
    if kind is ForgeKind.GITHUB:
        hosted = host == "github.com" or host.endswith(".ghe.com")
        return f"https://api.{host}" if hosted else f"https://{host}/api/v3"
    return f"https://{host}/api/" + ("v4" if kind is ForgeKind.GITLAB else "v1")


def _belongs(api_url: str, host: str) -> bool:
    return bool(host) and urlsplit(api_url).hostname in (host, f"api.{host}")


def _refusal(message: str, field: str) -> BadRequest:
    return BadRequest(message, [Detail(f"forge.{field}", "is required for this repo")])
