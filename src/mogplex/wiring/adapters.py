"""The adapters that the settings name: sandbox driver, blob store and work folder."""

from __future__ import annotations

from mogplex.blobs import open_blobs
from mogplex.domain.ports import SandboxDriver
from mogplex.home import Home
from mogplex.sandboxes import DRIVERS
from mogplex.sandboxes.container_engine import ENGINES
from mogplex.sandboxes.runner import Runner
from mogplex.service.blobs import Blobs
from mogplex.settings import Settings
from mogplex.workspace.layout import Layout


def make_driver(settings: Settings) -> SandboxDriver:
    options = {"image": settings.container_image} if settings.sandbox in ("container", *ENGINES) else {}
    return DRIVERS[settings.sandbox](Runner.detect(settings.runner_uid), **options)


def make_blobs(settings: Settings) -> Blobs:
    """Raises BadRequest for a URL that names no store."""
    return Blobs(open_blobs(settings.blobs) if settings.blobs else None)


def make_layout(settings: Settings, home: Home) -> Layout:
    runner = Runner.detect(settings.runner_uid)
    return Layout(home.work_dir, runner.uid, runner.gid)
