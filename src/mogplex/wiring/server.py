"""Whole processes: a server with or without a worker, and a worker alone."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import mogplex
from mogplex.api.app import create_app
from mogplex.api.server import Server, open_listener, url_of
from mogplex.dispatch.dbos_dispatcher import DbosDispatcher
from mogplex.dispatch.scheduler import Ticking
from mogplex.domain.errors import BadRequest
from mogplex.home import Home
from mogplex.service.events import EventHub
from mogplex.service.web_sessions import WebSessions
from mogplex.settings import Settings
from mogplex.store.bell import Bell
from mogplex.store.database import Database
from mogplex.web.app import Pages
from mogplex.web.rooms import Rooms
from mogplex.wiring.adapters import make_layout
from mogplex.wiring.mcp import make_mcp
from mogplex.wiring.parts import Parts
from mogplex.wiring.tables import make_ready
from mogplex.wiring.tracing import tracing
from mogplex.wiring.upkeep import pruning
from mogplex.wiring.workshop import working

log = logging.getLogger(__name__)


def serve(
    settings: Settings,
    *,
    with_worker: bool = True,
    on_first_key: Callable[[str, str], None],
    on_start: Callable[[str], None],
) -> None:
    """API, pages, schedules and (unless told otherwise) a worker in this process until SIGTERM or SIGINT.

    `on_first_key(url, secret)` is called when there was no key at all yet, then `on_start(url)` once callers are
    answered. Raises Conflict when another server has the database, ServiceUnavailable when the port is taken,
    BadRequest for a server without a worker on SQLite.
    """
    if not with_worker:
        _require_postgres(settings, "A server without a worker")
    with ExitStack() as house:
        listener = house.enter_context(open_listener(settings.host, settings.port))
        url = url_of(listener)
        parts, database, dispatcher = house.enter_context(_opened(settings, url))
        if with_worker:
            told = house.enter_context(tracing(database, parts.services.events))
            house.enter_context(working(settings, Home(settings), database, parts, told))
        house.enter_context(ticking(parts))
        house.enter_context(pruning(settings, database, dispatcher))
        first_key = parts.services.keys.create_first()
        if first_key is not None:
            on_first_key(url, first_key)
        sessions = WebSessions(database, parts.services.keys)
        pages = Pages(Rooms.of(parts.services, sessions, mogplex.__version__))
        neighbours = make_mcp(parts.services)
        app = create_app(parts.services, version=mogplex.__version__, neighbours=neighbours, pages=pages)
        # Told from inside the server: only then is a signal an orderly end.
        Server(app, on_stop=pages.close, on_start=lambda: on_start(url)).run(sockets=[listener])
        log.info("stopping")


def work(settings: Settings, *, on_start: Callable[[str], None]) -> None:
    """A worker without an API until SIGTERM or SIGINT; a second signal ends the process at once.

    `on_start(worker_id)` is called once runs are taken. Raises BadRequest on SQLite, SandboxError when no sandbox can
    be made here.
    """
    _require_postgres(settings, "A worker of its own")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: _stop_once(stopping, got))
    with ExitStack() as house:
        parts, database, _ = house.enter_context(_opened(settings, "a worker"))
        told = house.enter_context(tracing(database, parts.services.events))
        worker_id = house.enter_context(working(settings, Home(settings), database, parts, told))
        house.enter_context(ticking(parts))
        on_start(worker_id)
        stopping.wait()
        log.info("stopping")


def _stop_once(stopping: threading.Event, number: int) -> None:
    stopping.set()
    signal.signal(number, signal.SIG_DFL)


@contextmanager
def _opened(settings: Settings, holder: str) -> Iterator[tuple[Parts, Database, DbosDispatcher]]:
    """The services on an up-to-date database; on SQLite `holder` alone has it meanwhile."""
    with ExitStack() as house:
        home = Home(settings)
        home.prepare()
        database = Database(settings.database)
        house.enter_context(home.alone(holder, database.path))
        make_layout(settings, home).prepare()
        house.callback(database.close)
        make_ready(settings, database)
        dispatcher = DbosDispatcher(database.engine)
        house.callback(dispatcher.close)
        parts = Parts.build(settings, database, dispatcher)
        house.callback(parts.attempts.close)
        if not database.is_sqlite:
            house.enter_context(hearing(database, parts.services.events.hub))
        yield parts, database, dispatcher


@contextmanager
def hearing(database: Database, hub: EventHub) -> Iterator[None]:
    """What the processes on one PostgreSQL publish is heard by all of them while the body runs."""
    bell = Bell(database.url, hub.wake, hub.wake_all)
    hub.relay_through(bell.ring, lambda: bell.is_heard)
    bell.start()
    try:
        yield
    finally:
        bell.close()


def _require_postgres(settings: Settings, what: str) -> None:
    if settings.database.startswith("sqlite"):
        raise BadRequest(
            f"{what} needs a database that several processes can share, and {settings.database} is SQLite. "
            "Set MOGPLEX_DATABASE_URL=postgresql://user:password@host/name here and where the others run."
        )


@contextmanager
def ticking(parts: Parts) -> Iterator[None]:
    """Schedules fire and webhooks are sent while the body runs."""
    firing = Ticking("schedules", {"firing": parts.firing.fire_due, "endings": parts.firing.count_endings})
    sending = Ticking("webhooks", {"webhooks": parts.told.courier.carry})
    answering = Ticking("hooks", {"hooks": parts.told.hook_work.carry})
    firing.start()
    sending.start()
    answering.start()
    try:
        yield
    finally:
        answering.stop(timeout_seconds=0.5)
        sending.stop(timeout_seconds=0.5)  # who waits for a slow receiver is not waited for: the try is taken up again
        firing.stop()
