"""The adapters that the settings name: sandbox driver and work folder."""

from __future__ import annotations

from mogplex.domain.ports import SandboxDriver
from mogplex.home import Home
from mogplex.sandboxes import DRIVERS
from mogplex.sandboxes.container_engine import ENGINES
from mogplex.sandboxes.runner import Runner
from mogplex.settings import Settings
from mogplex.workspace.layout import Layout


def make_driver(settings: Settings) -> SandboxDriver:
    options = {"image": settings.container_image} if settings.sandbox in ("container", *ENGINES) else {}
    return DRIVERS[settings.sandbox](Runner.detect(settings.runner_uid), **options)


def make_layout(settings: Settings, home: Home) -> Layout:
    runner = Runner.detect(settings.runner_uid)
    return Layout(home.work_dir, runner.uid, runner.gid)
