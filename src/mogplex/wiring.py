"""The only module that knows every room: it builds the parts of a server in order, and takes them down in reverse."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import mogplex
from mogplex.api.app import create_app
from mogplex.api.server import Server, open_listener, url_of
from mogplex.api.services import HarnessInfo, Readiness, Services
from mogplex.dispatch.dbos_dispatcher import DbosDispatcher, DbosWorker
from mogplex.dispatch.liveness import Liveness
from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Dispatcher, Harness, Limits, Probe, SandboxDriver
from mogplex.domain.redact import Redactor
from mogplex.domain.repo import RemoteFacts, Repo
from mogplex.domain.sanitiser import Sanitiser
from mogplex.domain.worker import WorkerInfo
from mogplex.egress.address import Reach
from mogplex.harnesses import HARNESSES
from mogplex.harnesses.repair.toolkit import Toolkit
from mogplex.home import Home
from mogplex.sandboxes import DRIVERS
from mogplex.sandboxes.runner import Runner
from mogplex.service.attempts import Attempts
from mogplex.service.events import EventHub, Events
from mogplex.service.keys import Keys
from mogplex.service.limits import Limits as RateLimits
from mogplex.service.report import Report
from mogplex.service.repos import Repos
from mogplex.service.runs import Runs
from mogplex.service.sandboxes import Sandboxes
from mogplex.service.web_sessions import WebSessions
from mogplex.service.workers import Workers
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.store.migrations import upgrade
from mogplex.web.app import Pages
from mogplex.web.rooms import Rooms
from mogplex.worker.equipment import Equipment, Tools
from mogplex.worker.installer import Installer
from mogplex.worker.registries import Registries
from mogplex.worker.stall import Deadlines
from mogplex.worker.worker import Worker
from mogplex.workspace.checkout import Identity
from mogplex.workspace.environments import Environments
from mogplex.workspace.git import Git
from mogplex.workspace.layout import Layout
from mogplex.workspace.mirror import Mirrors
from mogplex.workspace.remote import inspect_remote

log = logging.getLogger(__name__)

HARNESS_PREFERENCE = ("codex", "claude-code", "builtin", "repair")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `mogplex doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None


def serve(settings: Settings, *, on_first_key: Callable[[str, str], None], on_start: Callable[[str], None]) -> None:
    """API and worker in this process until SIGTERM or SIGINT.

    `on_first_key(url, secret)` is called when there was no key at all yet, then `on_start(url)` once callers are
    answered. Raises Conflict when another server has the database, ServiceUnavailable when the port is taken.
    """
    with ExitStack() as house:
        home = Home(settings)
        home.prepare()
        listener = house.enter_context(open_listener(settings.host, settings.port))
        url = url_of(listener)
        database = Database(settings.database)
        house.enter_context(home.alone(url, database.path))
        _layout(settings, home).prepare()
        house.callback(database.close)
        upgrade(database)
        dispatcher = DbosDispatcher(database.engine)
        house.callback(dispatcher.close)
        parts = Parts.build(settings, database, dispatcher)
        house.callback(parts.attempts.close)
        house.enter_context(_working(settings, home, database, parts, dispatcher))
        first_key = parts.services.keys.create_first()
        if first_key is not None:
            on_first_key(url, first_key)
        sessions = WebSessions(database, parts.services.keys)
        pages = Pages(Rooms.of(parts.services, sessions, mogplex.__version__))
        app = create_app(parts.services, version=mogplex.__version__, pages=pages)
        # Told from inside the server: only then is a signal an orderly end.
        Server(app, on_stop=pages.close, on_start=lambda: on_start(url)).run(sockets=[listener])
        log.info("stopping")


def diagnose(settings: Settings) -> list[Finding]:
    """What works on this machine and what to do about the rest; starts one sandbox, changes nothing."""
    driver = _driver(settings)
    probed = [("sandbox", asyncio.run(driver.probe()))]
    probed += [(f"harness {name}", harness.probe()) for name, harness in _harnesses(settings).items()]
    findings = [Finding(name, probe.ok, _tell(probe), probe.remedy) for name, probe in probed]
    layout = _layout(settings, Home(settings))
    findings.append(Finding("work folder", True, str(layout.work_dir)))
    return findings


@dataclass(frozen=True, slots=True)
class Parts:
    """What API and worker share."""

    services: Services
    attempts: Attempts
    workers: Workers
    harnesses: Mapping[str, Harness]

    @staticmethod
    def build(settings: Settings, database: Database, dispatcher: Dispatcher) -> Parts:
        hub = EventHub()
        events = Events(database, hub)
        harnesses = _harnesses(settings)
        starts = {60.0: settings.starts_per_minute, 3600.0: settings.starts_per_hour, 86400.0: settings.starts_per_day}
        limits = RateLimits(database, requests_per_minute=settings.requests_per_minute, starts=starts)
        git = Git(_layout(settings, Home(settings)).git_home)
        runs = Runs(
            database,
            dispatcher,
            limits,
            events,
            open_sanitiser=_open_sanitiser,
            choose_harness=lambda repo: _choose_harness(repo, harnesses),
            harness_names=tuple(harnesses),
            default_timeout_seconds=settings.timeout_seconds,
            queue_limit=settings.queue_limit,
        )
        services = Services(
            keys=Keys(database),
            limits=limits,
            repos=Repos(database, lambda clone_url: _inspect(git, clone_url), tuple(harnesses)),
            runs=runs,
            events=events,
            sandboxes=Sandboxes(database),
            report=Report(
                database,
                limits,
                alive_within_seconds=settings.dead_after_seconds,
                queue_limit=settings.queue_limit,
            ),
            harnesses=lambda: [_harness_info(name, harness.probe()) for name, harness in harnesses.items()],
            readiness=lambda: [_database_readiness(database)],
        )
        attempts = Attempts(database, hub, _open_sanitiser)
        workers = Workers(database, hub, _open_sanitiser, max_attempts=settings.max_attempts)
        return Parts(services, attempts, workers, harnesses)


@contextmanager
def _working(
    settings: Settings, home: Home, database: Database, parts: Parts, dispatcher: DbosDispatcher
) -> Iterator[None]:
    """A worker that takes runs while the body runs; at the end it drains, and what it still had counts as lost."""
    worker_id = f"{platform.node()}-{os.getpid()}-{secrets.token_hex(4)}"
    equipment = equip(settings, home, parts)
    asyncio.run(prepare_work(equipment))
    worker = Worker(worker_id, equipment)
    worker.start()
    require_sandbox(worker)
    names = tuple(parts.harnesses)
    info = WorkerInfo(worker_id, platform.node(), os.getpid(), settings.slots, mogplex.__version__, names)
    parts.workers.register(info)
    engine = DbosWorker(database.engine, settings.database, worker_id, settings.slots)
    engine.launch(worker.play)
    liveness = Liveness(parts.workers, dispatcher, info, settings.dead_after_seconds, worker.running)
    liveness.start(alone=database.is_sqlite)
    engine.listen()
    try:
        yield
    finally:
        worker.drain(settings.drain_seconds)
        engine.close()
        liveness.stop()
        worker.stop()
        parts.workers.leave(worker_id)


def require_sandbox(worker: Worker) -> None:
    """Raises SandboxError that says what to do when the driver can't start anything here."""
    probe = worker.probe()
    if not probe.ok:
        raise SandboxError(f"No run can be executed here: {probe.detail}. {probe.remedy or ''}".strip())
    log.info("sandbox: %s", probe.detail)


def equip(settings: Settings, home: Home, parts: Parts) -> Equipment:
    driver = _driver(settings)
    runner = Runner.detect(settings.runner_uid)
    layout = _layout(settings, home)
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
        installer=Installer.build(layout.work_dir / "tools"),
        registries=Registries(settings.setup_hosts, variables),
        harnesses=parts.harnesses,
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
    )


async def prepare_work(equipment: Equipment) -> None:
    equipment.layout.prepare()
    equipment.git.prepare()
    await equipment.layout.check_access()
    for name in await equipment.layout.sweep():
        log.info("removed what a lost attempt left: %s", name)


def _driver(settings: Settings) -> SandboxDriver:
    return DRIVERS[settings.sandbox](Runner.detect(settings.runner_uid))


def _layout(settings: Settings, home: Home) -> Layout:
    runner = Runner.detect(settings.runner_uid)
    return Layout(home.work_dir, runner.uid, runner.gid)


def _harnesses(settings: Settings) -> Mapping[str, Harness]:
    shared = Home(settings).work_dir / "tools"
    offered = [name for name in HARNESSES if name != "scripted" or settings.scripted_harness]
    return {name: HARNESSES[name](shared) for name in offered}


def _choose_harness(repo: Repo, harnesses: Mapping[str, Harness]) -> str:
    """The repo's own choice comes before this one is asked."""
    return next(
        (name for name in HARNESS_PREFERENCE if name in harnesses and harnesses[name].probe().ok),
        HARNESS_PREFERENCE[-1],
    )


def _harness_info(name: str, probe: Probe) -> HarnessInfo:
    reason = None if probe.ok else probe.detail
    return HarnessInfo(name, probe.ok, probe.facts.get("version"), reason, probe.remedy)


def _inspect(git: Git, clone_url: str) -> RemoteFacts:
    facts = asyncio.run(inspect_remote(git, clone_url))
    return RemoteFacts(facts.default_branch, facts.empty)


def _database_readiness(database: Database) -> Readiness:
    reachable = database.is_reachable()
    return Readiness("database", reachable, "answers" if reachable else "cannot be reached; see the server's log")


def _open_sanitiser(known: Iterable[str]) -> Sanitiser:
    return Redactor(known)


def _tell(probe: Probe) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in sorted(probe.facts.items()))
    return f"{probe.detail} ({facts})" if facts else probe.detail
