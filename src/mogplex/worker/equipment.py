"""What a worker needs to play an attempt, joined by `wiring` and handed in as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mogplex.domain.ports import Harness, Limits, ModelGateway, Mount, SandboxDriver
from mogplex.egress.address import Reach
from mogplex.forges.forges import Forges
from mogplex.service.attempts import Attempts
from mogplex.worker.installer import Installer
from mogplex.worker.registries import Registries
from mogplex.worker.stall import Deadlines
from mogplex.worker.toolchains import Toolchains
from mogplex.workspace.checkout import Identity
from mogplex.workspace.environments import Environments
from mogplex.workspace.git import Git
from mogplex.workspace.layout import Layout
from mogplex.workspace.mirror import Mirrors
from mogplex.workspace.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Tools:
    """Read-only tools that every command of a run can use: the interpreter's launchers and a test runner."""

    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Equipment:
    """The adapters and settings of one worker."""

    attempts: Attempts
    driver: SandboxDriver
    git: Git  # as ourselves: mirrors, results, pushes
    runner_git: Git  # as the user that agents run as: checkouts
    layout: Layout
    mirrors: Mirrors
    environments: Environments
    sessions: Sessions
    installer: Installer
    registries: Registries
    harnesses: Mapping[str, Harness]
    gateway: ModelGateway
    forges: Forges
    tools: Tools
    limits: Limits
    identity: Identity
    check_timeout_seconds: float
    deadlines: Deadlines = Deadlines()
    toolchains: Toolchains = Toolchains()
    public_url: str = ""  # of the server, without a slash at its end
    reach: Reach = Reach()  # how the names of allowed hosts become addresses
    on_ended: Callable[[str], None] = lambda run_id: None  # told of each run that was played; must return at once
