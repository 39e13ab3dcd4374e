"""Schedules: making, changing, pausing and triggering them. When they fire is told in `firing`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from mogplex.domain.access import Caller, Scope
from mogplex.domain.audit import Action
from mogplex.domain.repo import Repo
from mogplex.domain.request import RunRequest, clean_idempotency_key
from mogplex.domain.schedule import Overlap, Schedule, Tick, TickResult
from mogplex.service.audit import note
from mogplex.service.cron import next_tick, next_ticks
from mogplex.service.ids import generate_id, is_id, missing
from mogplex.service.page import Page, clamp_limit, cut, decode_time_cursor
from mogplex.service.plan import plan_run, require_harness, title_of
from mogplex.service.replay import Started
from mogplex.service.repos import find_repo
from mogplex.service.runs import Runs
from mogplex.service.schedule_request import read_schedule
from mogplex.store import schedules as schedule_table
from mogplex.store.database import Database, Transaction
from mogplex.store.schedule_tables import schedules

MAX_TICKS_SHOWN = 200


class Schedules:
    def __init__(
        self, database: Database, runs: Runs, harness_names: Collection[str], choose_harness: Callable[[Repo], str]
    ) -> None:
        self._database = database
        self._runs = runs
        self._harness_names = tuple(harness_names)
        self._choose_harness = choose_harness

    def create(self, caller: Caller, repo_id: str, body: Mapping[str, Any]) -> Schedule:
        """Its runs belong to the caller's owner, also when the key is revoked later. Raises BadRequest, NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            repo = find_repo(tx, caller, repo_id)
            values = read_schedule(body, repo.id, creating=True)
            schedule = Schedule(
                id=generate_id("sch"),
                name=str(values.pop("name", "")).strip() or title_of(values["request"]["prompt"]),
                repo_id=repo.id,
                time_zone=values.pop("time_zone", "UTC"),
                overlap=Overlap(values.pop("overlap", Overlap.SKIP)),
                owner=caller.owner,
                api_key_id=caller.key_id,
                created_at=tx.now,
                updated_at=tx.now,
                **values,
            )
            self._require_startable(schedule, repo)
            schedule = replace(schedule, next_at=next_tick(schedule.cron, schedule.time_zone, tx.now))
            schedule_table.insert(tx, schedule)
            note(tx, caller, Action.SCHEDULE_CREATED, schedule.id, schedule.repo_id, name=schedule.name)
        return schedule

    def get(self, caller: Caller, schedule_id: str) -> Schedule:
        """Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.read() as tx:
            return _visible(tx, caller, schedule_id)

    def upcoming(self, schedule: Schedule, count: int = 5) -> Sequence[float]:
        """The ticks to come, in seconds since 1970; none while it is paused."""
        if schedule.next_at is None:
            return []
        return next_ticks(schedule.cron, schedule.time_zone, schedule.next_at - 1, count)

    def list(
        self, caller: Caller, repo_id: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Schedule]:
        """The newest first. Raises NotFound for a repo that is not there."""
        caller.require(Scope.ADMIN)
        limit = clamp_limit(limit)
        conditions: list[sa.ColumnElement[bool]] = []
        if caller.repo_ids is not None:
            conditions.append(schedules.c.repo_id.in_(sorted(caller.repo_ids)))
        if cursor is not None:
            place = sa.tuple_(*decode_time_cursor(cursor))
            conditions.append(sa.tuple_(schedules.c.created_at, schedules.c.id) < place)
        with self._database.read() as tx:
            if repo_id is not None:
                conditions.append(schedules.c.repo_id == find_repo(tx, caller, repo_id).id)
            found = schedule_table.select(tx, conditions, limit + 1)
        return cut(found, limit, lambda schedule: (schedule.created_at, schedule.id))

    def update(self, caller: Caller, schedule_id: str, body: Mapping[str, Any]) -> Schedule:
        """Change the fields that `body` gives. A new cron line or zone counts from now. BadRequest, NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            old = _visible(tx, caller, schedule_id)
            values = read_schedule(body, old.repo_id, creating=False)
            if "overlap" in values:
                values["overlap"] = Overlap(values["overlap"])
            changed = replace(old, **values)
            if "request" in values:
                self._require_startable(changed, find_repo(tx, caller, old.repo_id))
            if old.paused_at is None and ("cron" in values or "time_zone" in values):
                values["next_at"] = next_tick(changed.cron, changed.time_zone, tx.now)
            schedule_table.update(tx, old.id, values)
            note(tx, caller, Action.SCHEDULE_CHANGED, old.id, old.repo_id, fields=sorted(values))
            return _visible(tx, caller, old.id)

    def pause(self, caller: Caller, schedule_id: str) -> Schedule:
        """No tick comes any more. Pausing twice changes nothing. Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            schedule = _visible(tx, caller, schedule_id)
            if schedule.paused_at is None:
                schedule_table.update(tx, schedule.id, {"paused_at": tx.now, "next_at": None})
                note(tx, caller, Action.SCHEDULE_CHANGED, schedule.id, schedule.repo_id, paused=True)
            return _visible(tx, caller, schedule.id)

    def resume(self, caller: Caller, schedule_id: str) -> Schedule:
        """Ticks come again from now on; those of the pause are not missed ones. Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            schedule = _visible(tx, caller, schedule_id)
            if schedule.paused_at is not None:
                next_at = next_tick(schedule.cron, schedule.time_zone, tx.now)
                schedule_table.update(tx, schedule.id, {"paused_at": None, "next_at": next_at, "alarm": None})
                note(tx, caller, Action.SCHEDULE_CHANGED, schedule.id, schedule.repo_id, paused=False)
            return _visible(tx, caller, schedule.id)

    def remove(self, caller: Caller, schedule_id: str) -> None:
        """Its runs stay. Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            schedule = _visible(tx, caller, schedule_id)
            schedule_table.remove(tx, schedule.id)
            note(tx, caller, Action.SCHEDULE_REMOVED, schedule.id, schedule.repo_id, name=schedule.name)

    def trigger(self, caller: Caller, schedule_id: str, idempotency_key: str | None = None) -> Started:
        """Start its run now, whether it is paused or not; its ticks stay as they are.

        Raises NotFound and what a start raises.
        """
        caller.require(Scope.ADMIN)
        with self._database.read() as tx:
            schedule = _visible(tx, caller, schedule_id)
            now = tx.now
        word = secrets.token_hex(8) if idempotency_key is None else clean_idempotency_key(idempotency_key)
        started = start_run_of(self._runs, schedule, f"trigger:{word}"[:150])
        if not started.replayed:
            tick = Tick(now, now, TickResult.STARTED, started.run.id, f"triggered by {caller.key_name}")
            with self._database.write() as tx:
                if schedule_table.update(tx, schedule.id, {"last_run_id": started.run.id}):
                    schedule_table.append_ticks(tx, schedule.id, [tick])
        return started

    def ticks(self, caller: Caller, schedule_id: str, limit: int = 50) -> Sequence[Tick]:
        """What became of its ticks, the newest first. Raises NotFound."""
        caller.require(Scope.ADMIN)
        with self._database.read() as tx:
            return schedule_table.select_ticks(
                tx, _visible(tx, caller, schedule_id).id, clamp_limit(limit, MAX_TICKS_SHOWN)
            )

    def _require_startable(self, schedule: Schedule, repo: Repo) -> None:
        """Raises BadRequest now for what would be refused at each tick."""
        request = RunRequest.of({**schedule.request, "repoId": repo.id})
        harness = request.harness or repo.default_harness or self._choose_harness(repo)
        require_harness(harness, self._harness_names)
        plan_run(caller_of(schedule), request, repo, f"schedule:{schedule.id}", harness, 1.0)


def start_run_of(runs: Runs, schedule: Schedule, tick: str) -> Started:
    """The run of one tick: the same tick is the same run, whoever asks. Raises what a start raises."""
    labels = {**schedule.request.get("labels", {}), "schedule": schedule.id}
    request = RunRequest.of({**schedule.request, "labels": labels, "repoId": schedule.repo_id})
    return runs.start(caller_of(schedule), request, f"schedule:{schedule.id}:{tick}", own_key=True)


def caller_of(schedule: Schedule) -> Caller:
    """A schedule acts for the owner of the key that made it, in its own repo only."""
    scopes = frozenset({Scope.READ, Scope.WRITE})
    name = f"schedule {schedule.name}"
    return Caller(schedule.api_key_id, name, schedule.owner, scopes, frozenset({schedule.repo_id}))


def _visible(tx: Transaction, caller: Caller, schedule_id: str) -> Schedule:
    found = schedule_table.get(tx, schedule_id) if is_id(schedule_id, "sch") else None
    if found is None or not caller.may_see(found.repo_id):
        raise missing("schedule", schedule_id)
    return found
