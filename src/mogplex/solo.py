"""One run without a server: the same service, worker, sandbox and checks, on a database that lasts as long as it."""

from __future__ import annotations

import asyncio
import os
import queue
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mogplex.domain.access import Caller
from mogplex.domain.errors import ServiceUnavailable
from mogplex.domain.request import RunRequest
from mogplex.domain.run_view import run_object
from mogplex.domain.view import event_object
from mogplex.home import Home
from mogplex.record import Record
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.store.migrations import upgrade
from mogplex.wiring import Parts, equip, prepare_work, require_sandbox
from mogplex.worker.worker import Worker
from mogplex.workspace.lock import try_lock

PAGE_EVENTS = 500
PREFIX, LOCK = "mogplex-exec-", "lock"  # of the folder of one run
STOP_SECONDS = 30.0  # for a run that was asked to stop to end; it can't when nothing can be written
WAKE_SECONDS = 0.5  # how long a stop that was asked for may go unnoticed

Json = dict[str, Any]


class NoQueue:
    """The dispatcher of a single run: it is played at once, so there is nothing to queue."""

    def hand_over(self, transaction: Any, run_id: str, worker_id: str, number: int) -> None:
        """Played by `execute` itself, so nobody asks for it."""


def execute(
    settings: Settings,
    repo: Mapping[str, Any],
    body: Mapping[str, Any],
    *,
    on_event: Callable[[Json], None],
    stop_requested: Callable[[], bool],
    record: Record,
) -> Json:
    """Run `body` (of a start, without repoId) on `repo` (of a repo's registration); the run object at its end.

    `stop_requested` is asked twice a second; once it is true the run is cancelled. Raises MogplexError for what the
    API would refuse, and when no sandbox can be started here.
    """
    with ExitStack() as house, _temporary_settings(settings) as own:
        database = Database(own.database)
        house.callback(database.close)
        upgrade(database)
        parts = Parts.build(own, database, NoQueue())
        house.callback(parts.attempts.close)
        caller = _caller(parts)
        repo_id = parts.services.repos.add(caller, repo)[0].id
        equipment = equip(own, Home(own), parts)
        asyncio.run(prepare_work(equipment))
        worker = Worker("exec", equipment)
        worker.start()
        house.callback(worker.stop)
        house.callback(worker.drain, 0)
        require_sandbox(worker)
        started = parts.services.runs.start(caller, RunRequest.of({**body, "repoId": repo_id}), secrets.token_hex(16))
        playing = worker.play(started.run.id)
        follow(parts, caller, started.run.id, on_event=on_event, stop_requested=stop_requested, record=record)
        playing.result()
        final = run_object(parts.services.runs.get(caller, started.run.id))
        record.keep_run(final)
        return final


def follow(
    parts: Parts,
    caller: Caller,
    run_id: str,
    *,
    on_event: Callable[[Json], None],
    stop_requested: Callable[[], bool],
    record: Record,
) -> None:
    """Hand on every event until the last one."""
    woken: queue.SimpleQueue[int] = queue.SimpleQueue()
    unsubscribe = parts.services.events.hub.subscribe(run_id, woken.put)
    cancelled, after, stop_by = False, 0, None
    try:
        while True:
            for event in parts.services.events.since(run_id, after, PAGE_EVENTS):
                after = event.seq
                shown = event_object(event)
                record.keep_event(shown)
                record.keep_run(run_object(parts.services.runs.get(caller, run_id)))
                on_event(shown)
                if shown["type"] == "finished":
                    return
            if stop_requested() and not cancelled:
                stop_by = stop_by or time.monotonic() + STOP_SECONDS
                with suppress(ServiceUnavailable):  # asked for again in a moment, until there is no time left
                    parts.services.runs.cancel(caller, run_id)
                    cancelled = True
            if stop_by is not None and time.monotonic() > stop_by:
                raise ServiceUnavailable(
                    f"Run {run_id} could not be ended within {STOP_SECONDS:g} s: is the disk full?"
                )
            try:
                woken.get(timeout=WAKE_SECONDS)
            except queue.Empty:
                continue
    finally:
        unsubscribe()


@contextmanager
def _temporary_settings(settings: Settings) -> Iterator[Settings]:
    """`settings` with a home and a work folder that are gone afterwards."""
    _sweep_left()
    root = Path(tempfile.mkdtemp(prefix=PREFIX))
    root.chmod(0o711)  # sandboxes of a root worker run as another user, who must be able to pass
    lock = try_lock(root / LOCK)
    try:
        own = replace(
            settings,
            config=settings.config_path,
            home=root / "home",
            work_dir=settings.work_dir or root / "work",
            database_url="",
        )
        Home(own).prepare()
        yield own
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _sweep_left() -> None:
    """Remove the folders of runs that were killed: their lock is held by nobody. Those of others are theirs."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            # One that is being made has no lock file yet.
            if folder.lstat().st_uid != os.geteuid() or folder.is_symlink() or not (folder / LOCK).exists():
                continue
            lock = try_lock(folder / LOCK)
        except OSError:
            continue  # gone meanwhile
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _caller(parts: Parts) -> Caller:
    secret = parts.services.keys.create_first()
    if secret is None:
        raise AssertionError("a fresh database has no keys")
    return parts.services.keys.authenticate(secret)
