"""Where a repo lives: reads a clone URL, keeps its credentials out of command lines, refuses what isn't plain git."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.secret import TOKEN_USER, GitCredential
from mogplex.workspace.git import clean_text

_SCHEMES = ("file", "git", "http", "https", "ssh")
_SCP_LIKE = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9_.-]*:(?!:).+")


@dataclass(frozen=True, slots=True)
class Address:
    """`url` is free of passwords and safe to print; `environment` and `ssh_key` hand the credentials to git."""

    url: str
    path: Path | None = None  # of a repo on this machine
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    ssh_key: str | None = field(default=None, repr=False)

    def far_end(self, service: str) -> tuple[str, ...]:
        """Options that run the other end (`upload-pack` or `receive-pack`) of a local repo as the repo's owner.

        Only root needs this. A local repo's hooks and configuration belong to its owner: they get the owner's
        rights, never root's, and files that a push makes there stay the owner's.
        """
        if self.path is None or os.geteuid() != 0:
            return ()
        inner = self.path / ".git"
        found = (inner if inner.exists() else self.path).stat()
        if found.st_uid == 0:
            return ()
        drop = f"setpriv --reuid={found.st_uid} --regid={found.st_gid} --clear-groups"
        return (f"--{service}={drop} git-{service}",)


def parse_address(clone_url: str, credential: GitCredential | None = None) -> Address:
    """Read an absolute path or a file, http, https, ssh or git URL, or `user@host:path`.

    A token of `credential` goes to http and https, its key to ssh; what doesn't fit the URL is left out.

    Raises:
        WorkspaceError: anything else, or a local path that doesn't exist.
    """
    shown = clean_text(clone_url)
    if not clone_url or clone_url != clone_url.strip() or not clone_url.isprintable():
        raise WorkspaceError(f"The clone URL {shown!r} is empty or has spaces or control characters around or in it.")
    if clone_url.startswith("/"):
        return _local(Path(clone_url))
    if "://" in clone_url:
        return _parse_url(clone_url, shown, credential)
    if _SCP_LIKE.fullmatch(clone_url):
        return Address(clone_url, ssh_key=credential.ssh_key if credential else None)
    raise WorkspaceError(
        f"{shown!r} is no clone URL: give an absolute path, https://…, ssh://…, file://… or user@host:path."
    )


def _parse_url(clone_url: str, shown: str, credential: GitCredential | None) -> Address:
    parts = urlsplit(clone_url)
    if parts.scheme not in _SCHEMES:
        raise WorkspaceError(f"{shown!r} can't be cloned: use one of {', '.join(_SCHEMES)}, or an absolute path.")
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise WorkspaceError(f"{shown!r} names a host; a file:// URL must look like file:///path/of/repo.")
        return _local(Path(unquote(parts.path)))
    if not parts.hostname or parts.hostname.startswith("-"):
        raise WorkspaceError(f"{shown!r} has no usable host name.")
    if parts.scheme in ("http", "https"):
        return _http(parts, credential)
    return Address(clone_url, ssh_key=credential.ssh_key if credential and parts.scheme == "ssh" else None)


def _http(parts: SplitResult, credential: GitCredential | None) -> Address:
    host = parts.netloc.rpartition("@")[2]
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    if credential is not None and credential.token is not None:
        own_user = parts.username is not None and credential.user == TOKEN_USER
        pair = f"{unquote(parts.username or '')}:{credential.token}" if own_user else credential.pair
    elif parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    else:
        return Address(bare)
    # In the URL they'd show in the command line of git's helper process, for every user of this machine.
    header = "Authorization: Basic " + base64.b64encode(pair.encode()).decode()
    return Address(
        bare,
        environment={
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{host}/.extraHeader",
            "GIT_CONFIG_VALUE_0": header,
        },
    )


def _local(path: Path) -> Address:
    if not path.exists():
        raise WorkspaceError(f"{path} does not exist: give the path of a git repository on this machine.")
    return Address(str(path), path)
