"""The adapters that the settings name: sandbox driver, blob store and work folder."""

from __future__ import annotations

from collections.abc import Mapping

from mogplex.blobs import open_blobs
from mogplex.domain.exchange import Reply
from mogplex.domain.ports import SandboxDriver
from mogplex.egress.address import Network, Reach
from mogplex.egress.poster import exchange
from mogplex.forges.forges import Forges
from mogplex.home import Home
from mogplex.sandboxes import DRIVERS
from mogplex.sandboxes.container_engine import ENGINES
from mogplex.sandboxes.runner import Runner
from mogplex.service.blobs import Blobs
from mogplex.settings import Settings
from mogplex.workspace.layout import Layout

FORGE_SECONDS = 30.0
FORGE_BYTES = 8 << 20


def open_forges(permitted: tuple[Network, ...]) -> Forges:
    """`permitted`: private networks that APIs of forges may lie in."""
    reach = Reach(permitted=permitted)

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        return exchange(
            method, url, headers, body, reach=reach, timeout_seconds=FORGE_SECONDS, answer_bytes=FORGE_BYTES
        )

    return Forges(send)


def make_driver(settings: Settings) -> SandboxDriver:
    options = {"image": settings.container_image} if settings.sandbox in ("container", *ENGINES) else {}
    return DRIVERS[settings.sandbox](Runner.detect(settings.runner_uid), **options)


def make_blobs(settings: Settings) -> Blobs:
    """Raises BadRequest for a URL that names no store."""
    return Blobs(open_blobs(settings.blobs) if settings.blobs else None)


def make_layout(settings: Settings, home: Home) -> Layout:
    runner = Runner.detect(settings.runner_uid)
    return Layout(home.work_dir, runner.uid, runner.gid)
