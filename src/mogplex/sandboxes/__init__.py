"""Where untrusted commands run: one module a driver, all behind `domain.ports.SandboxDriver`, none knows another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mogplex.domain.ports import SandboxDriver
from mogplex.sandboxes.bubblewrap import BubblewrapDriver
from mogplex.sandboxes.container import ContainerDriver
from mogplex.sandboxes.unconfined import UnconfinedDriver

DRIVERS: dict[str, Callable[..., SandboxDriver]] = {
    "bubblewrap": BubblewrapDriver,
    "container": ContainerDriver,  # whichever engine is there
    "podman": partial(ContainerDriver, engine="podman"),
    "docker": partial(ContainerDriver, engine="docker"),
    "unconfined": UnconfinedDriver,
}
