"""One run without a server: the same service, worker, sandbox and checks, on a database that lasts as long as it."""

from __future__ import annotations

import asyncio
import json
import queue
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mogplex.domain.access import Caller
from mogplex.domain.ending import failure_of
from mogplex.domain.errors import MogplexError, SandboxError
from mogplex.domain.request import RunRequest
from mogplex.domain.run import Outcome
from mogplex.domain.run_view import run_object
from mogplex.domain.view import event_object
from mogplex.home import Home
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.store.migrations import upgrade
from mogplex.wiring import Parts, equip, prepare_work, require_sandbox
from mogplex.worker.worker import Worker

PAGE_EVENTS = 500
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
    cancelled, after = False, 0
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
                parts.services.runs.cancel(caller, run_id)
                cancelled = True
            try:
                woken.get(timeout=WAKE_SECONDS)
            except queue.Empty:
                continue
    finally:
        unsubscribe()


class Record:
    """`run.json` and `events.jsonl` in a folder, each valid at any moment; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            # First of all, so that nobody takes what an earlier run left here for the word on this one.
            self.keep_run({"runId": None, "status": "pending", "outcome": None, "error": None})
            (folder / "events.jsonl").write_bytes(b"")

    def keep_refusal(self, fault: MogplexError) -> None:
        """Nothing was run: say so, and why."""
        outcome = Outcome.SANDBOX_FAILED if isinstance(fault, SandboxError) else Outcome.SETUP_FAILED
        failure = failure_of(outcome)
        told = {"status": outcome.status, "outcome": outcome, "error": fault.message}
        self.keep_run({"runId": None, **told, "failure": failure.as_wire() if failure else None})

    def keep_event(self, event: Json) -> None:
        if self._folder is not None:
            line = json.dumps(event, ensure_ascii=False) + "\n"
            with (self._folder / "events.jsonl").open("ab", buffering=0) as file:
                file.write(line.encode())

    def keep_run(self, run: Json) -> None:
        if self._folder is not None:
            draft = self._folder / ".run.json.new"
            draft.write_text(json.dumps(run, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            draft.replace(self._folder / "run.json")


@contextmanager
def _temporary_settings(settings: Settings) -> Iterator[Settings]:
    """`settings` with a home and a work folder that are gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="mogplex-exec-"))
    root.chmod(0o711)  # sandboxes of a root worker run as another user, who must be able to pass
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


def _caller(parts: Parts) -> Caller:
    secret = parts.services.keys.create_first()
    if secret is None:
        raise AssertionError("a fresh database has no keys")
    return parts.services.keys.authenticate(secret)
