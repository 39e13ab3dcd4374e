"""A worker with all it needs at hand, and how long it works."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import mogplex
from mogplex.dispatch.dbos_dispatcher import DbosWorker
from mogplex.dispatch.liveness import Liveness
from mogplex.dispatch.scheduler import Ticking
from mogplex.domain.errors import SandboxError, ServiceUnavailable
from mogplex.domain.ports import Limits, Probe
from mogplex.domain.weakness import find_weaknesses, limits_of
from mogplex.domain.worker import WorkerInfo
from mogplex.egress.address import Reach
from mogplex.harnesses.repair.toolkit import Toolkit
from mogplex.home import Home
from mogplex.sandboxes.runner import Runner
from mogplex.service.events import QUEUE
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.wiring.adapters import make_driver, make_layout
from mogplex.wiring.parts import Parts
from mogplex.worker.equipment import Equipment, Tools
from mogplex.worker.installer import Installer
from mogplex.worker.registries import Registries
from mogplex.worker.stall import Deadlines
from mogplex.worker.toolchains import Toolchains
from mogplex.worker.worker import Worker
from mogplex.workspace.checkout import Identity
from mogplex.workspace.environments import Environments
from mogplex.workspace.git import Git
from mogplex.workspace.mirror import Mirrors
from mogplex.workspace.sessions import Sessions

log = logging.getLogger(__name__)


@contextmanager
def working(
    settings: Settings,
    home: Home,
    database: Database,
    parts: Parts,
    on_ended: Callable[[str], None],
) -> Iterator[str]:
    """A worker that takes runs while the body runs; at the end it drains, and what it still had counts as lost.

    Yields the worker's id.
    """
    worker_id = f"{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}"
    equipment = replace(equip(settings, home, parts), on_ended=on_ended)
    asyncio.run(prepare_work(equipment))
    worker = Worker(worker_id, equipment)
    worker.start()
    probe = require_sandbox(worker)
    parts.weaknesses.extend(find_weaknesses(equipment.driver.name, limits_of(probe)))
    for weakness in parts.weaknesses:
        log.warning("sandbox: %s", weakness)
    names = tuple(parts.harnesses)
    info = WorkerInfo(
        id=worker_id,
        host=platform.node(),
        pid=os.getpid(),
        slots=settings.slots,
        version=mogplex.__version__,
        harnesses=names,
        labels=settings.worker_labels,
        weaknesses=tuple(parts.weaknesses),
    )
    parts.workers.register(info)
    engine = DbosWorker(database.engine, settings.database, worker_id, settings.slots)
    engine.launch(worker.play)
    liveness = Liveness(parts.workers, info, settings.dead_after_seconds, worker.running, parts.contests.tend)
    liveness.start(alone=database.is_sqlite)
    try:
        with seating(parts, info):
            yield worker_id
    finally:
        worker.drain(settings.drain_seconds)
        engine.close()
        liveness.stop()
        worker.stop()
        parts.workers.leave(worker_id)


@contextmanager
def seating(parts: Parts, info: WorkerInfo) -> Iterator[None]:
    """The worker takes runs while the body runs: at once when there is news of the queue, else once a second."""
    filling = Ticking("seats", {"seats": lambda: parts.seating.fill(info)})
    unsubscribe = parts.services.events.hub.subscribe(QUEUE, lambda _: filling.nudge())
    filling.start()
    try:
        yield
    finally:
        unsubscribe()
        filling.stop()
        with contextlib.suppress(ServiceUnavailable):  # then others notice by the missing heartbeats
            parts.workers.drain(info.id)


def require_sandbox(worker: Worker) -> Probe:
    """Raises SandboxError that says what to do when the driver can't start anything here."""
    probe = worker.probe()
    if not probe.ok:
        raise SandboxError(f"No run can be executed here: {probe.detail}. {probe.remedy or ''}".strip())
    log.info("sandbox: %s", probe.detail)
    return probe


def equip(settings: Settings, home: Home, parts: Parts) -> Equipment:
    driver = make_driver(settings)
    runner = Runner.detect(settings.runner_uid)
    layout = make_layout(settings, home)
    git = Git(layout.git_home)
    toolkit = Toolkit.build(layout.work_dir / "tools")
    variables = {name: os.environ[name] for name in settings.setup_variables if os.environ.get(name)}
    return Equipment(
        attempts=parts.attempts,
        driver=driver,
        git=git,
        runner_git=Git(layout.git_home, runner.uid, runner.gid),
        layout=layout,
        mirrors=Mirrors(layout.mirrors, git),
        environments=Environments(layout, settings.setup_cache_mib << 20),
        sessions=Sessions(layout, settings.session_cache_mib << 20),
        installer=Installer.build(layout.work_dir / "tools"),
        registries=Registries(settings.setup_hosts, variables),
        harnesses=parts.harnesses,
        gateway=parts.gateway,
        forges=parts.forges,
        public_url=settings.public_url,
        tools=Tools((toolkit.mount,), toolkit.environment(), toolkit.path),
        limits=Limits(
            wall_seconds=86400.0,  # the attempt's own timer is the limit; this one is only for a worker gone mad
            memory_bytes=settings.sandbox_memory_mib << 20,
            processes=settings.sandbox_processes,
            disk_bytes=settings.sandbox_disk_mib << 20,
        ),
        identity=Identity(settings.git_author_name, settings.git_author_email),
        check_timeout_seconds=settings.check_timeout_seconds,
        deadlines=Deadlines(settings.start_seconds, settings.stall_seconds, settings.linger_seconds),
        reach=Reach(permitted=settings.egress_networks),
        toolchains=Toolchains.build(settings.toolchains, runner.uid),
    )


async def prepare_work(equipment: Equipment) -> None:
    equipment.layout.prepare()
    equipment.git.prepare()
    await equipment.layout.check_access()
    for name in await equipment.layout.sweep():
        log.info("removed what a lost attempt left: %s", name)
