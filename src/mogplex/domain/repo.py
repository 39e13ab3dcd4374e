"""A repo that runs may be started on, and what its owner settled for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from mogplex.domain.budget import Budget
from mogplex.domain.forge import ForgeSettings
from mogplex.domain.hook import HookSettings
from mogplex.domain.run import CheckPolicy
from mogplex.domain.secret import SecretNote

DEFAULT_PUSH_BRANCHES = ("mogplex/*",)
_PYTHON = re.compile(r"3\.\d{1,2}\Z")
# What podman and docker take, roughly: what matters is that it can't be read as an option.
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,254}\Z")
_FULL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}\Z")


@dataclass(frozen=True, slots=True)
class Repo:
    """`clone_url` is a URL or an absolute local path. Empty `setup` means: found out from the files.

    `check_files`: patterns of files that checks depend on besides the usual ones (see `check_files.py`).
    `protect_tests`: whose tests decide when a run changes some: True the base's, False the run's, None both.

    `image`: the container image of its sandboxes; "" is the server's.
    `push_branches`: patterns (fnmatch) of existing branches that a run may push to; a new branch is always allowed.
    """

    id: str
    full_name: str
    clone_url: str
    default_branch: str
    created_at: float
    updated_at: float
    root_directory: str = ""
    setup: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    allow_hosts: tuple[str, ...] = ()
    push_branches: tuple[str, ...] = DEFAULT_PUSH_BRANCHES
    default_harness: str | None = None
    budget: Budget = Budget()
    timeout_seconds: float | None = None
    concurrency: int | None = None  # how many of its runs execute at once; None: what the server says
    python: str | None = None  # "3.12": of setup, harness and checks; None: the sandbox's own
    check_policy: CheckPolicy = CheckPolicy.STRICT
    check_files: tuple[str, ...] = ()
    protect_tests: bool | None = None
    image: str = ""
    forge: ForgeSettings = ForgeSettings()
    hooks: HookSettings = HookSettings()
    secrets: tuple[SecretNote, ...] = ()  # which there are; kept in a table of their own

    def may_push_to(self, branch: str) -> bool:
        return any(fnmatchcase(branch, pattern) for pattern in self.push_branches)


@dataclass(frozen=True, slots=True)
class RemoteFacts:
    """What a look at a clone URL told: its default branch (None: names none), and whether it has no commit yet."""

    default_branch: str | None
    empty: bool


def python_fault(version: str) -> str | None:
    return None if _PYTHON.match(version) else "must be a version of Python 3 such as 3.12"


def image_fault(name: str) -> str | None:
    if _IMAGE.match(name):
        return None
    return "must be the name of an image, as in `localhost/tools:3` or `python@sha256:…`, without spaces"


def full_name_fault(name: str) -> str | None:
    if _FULL_NAME.match(name) and not any(part in (".", "..") for part in name.split("/")):
        return None
    return "must look like owner/name, with letters, digits, '.', '_' and '-' only"
