"""Runs: starting them once, finding them, cancelling and retrying them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mogplex.domain.access import Caller, Scope
from mogplex.domain.audit import Action
from mogplex.domain.blob import LargeText
from mogplex.domain.check import CheckRecord
from mogplex.domain.contest import Contest, ContestMode
from mogplex.domain.errors import Conflict, RateLimited
from mogplex.domain.repo import Repo
from mogplex.domain.request import RunRequest, clean_idempotency_key
from mogplex.domain.run import Run, Status
from mogplex.domain.seating import QueuePlace
from mogplex.domain.traceparent import parse_traceparent
from mogplex.service.audit import note
from mogplex.service.blobs import Blobs
from mogplex.service.cancels import stop_contenders, stop_run, supersede
from mogplex.service.contests import start_contender
from mogplex.service.events import QUEUE, Events, visible_run
from mogplex.service.known_secrets import KnownSecrets
from mogplex.service.limits import Limits
from mogplex.service.notify import require_notify
from mogplex.service.page import Page, clamp_limit, cut
from mogplex.service.patches import read_patch
from mogplex.service.places import Places
from mogplex.service.plan import plan_retry, plan_run, require_harness, require_push
from mogplex.service.queued import queued_draft
from mogplex.service.recordings import require_recording
from mogplex.service.replay import Started, replay
from mogplex.service.repos import find_repo
from mogplex.service.retries import read_overrides, retry_digest
from mogplex.service.run_filter import RunFilter
from mogplex.service.tally import tallied
from mogplex.store import checks as check_table
from mogplex.store import events as event_table
from mogplex.store import repos as repo_table
from mogplex.store import runs as run_table
from mogplex.store import traces as trace_table
from mogplex.store.database import Database, Transaction
from mogplex.store.schema import runs

MAX_SHOWN_PATCH_BYTES = 2 * 1024 * 1024
QUEUE_FULL_RETRY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Cancelled:
    run: Run
    already_terminal: bool


class Runs:
    def __init__(
        self,
        database: Database,
        places: Places,
        limits: Limits,
        events: Events,
        *,
        known_secrets: KnownSecrets,
        choose_harness: Callable[[Repo], str],
        harness_names: Collection[str],
        default_timeout_seconds: float,
        queue_limit: int,
        settle_model: Callable[[Run], Run] = lambda run: run,
        blobs: Blobs | None = None,
        notify_webhook: str = "",
    ) -> None:
        """`choose_harness(repo)` is asked when a request names none and the repo has no default. `settle_model` gives
        the run with its model settled, or raises BadRequest when its harness could not work with it. `notify_webhook`:
        the one whose secret signs what a caller wants to be told of a run; "" lets nobody ask for that."""
        self._database = database
        self._places = places
        self._limits = limits
        self._hub = events.hub
        self._known_secrets = known_secrets
        self._choose_harness = choose_harness
        self._harness_names = tuple(harness_names)
        self._default_timeout_seconds = default_timeout_seconds
        self._queue_limit = queue_limit
        self._settle_model = settle_model
        self._blobs = blobs or Blobs()
        self.notify_webhook = notify_webhook

    @tallied
    def start(
        self,
        caller: Caller,
        request: RunRequest,
        idempotency_key: str,
        traceparent: str | None = None,
        *,
        own_key: bool = False,
    ) -> Started:
        """The new run, committed with its first event and its place in the queue; or the one this key made before.

        `traceparent` is the span that asks, if there is one. `own_key`: we made the key, no caller did.

        Raises BadRequest, NotFound, IdempotencyConflict, RateLimited (start quota, full queue).
        """
        caller.require(Scope.WRITE)
        key = clean_idempotency_key(idempotency_key, own=own_key)
        digest = request.digest()
        with self._database.read() as tx:
            repo = find_repo(tx, caller, request.repo_id)
            # Before the repo's settings are looked at: a change of them must not refuse a faithful repetition.
            earlier = replay(tx, caller, key, digest)
            if earlier is None:
                require_notify(tx, request.notify, self.notify_webhook)
                if request.replay_of is not None:
                    require_recording(tx, caller, request.replay_of, repo.id)
        if earlier is not None:
            return earlier
        for name in request.harnesses:
            require_harness(name, self._harness_names)
        harness = (
            request.harness or next(iter(request.harnesses), None) or repo.default_harness or self._choose_harness(repo)
        )
        require_harness(harness, self._harness_names)
        run = self._settle_model(plan_run(caller, request, repo, key, harness, self._default_timeout_seconds))
        if run.notify_url is not None:
            run = replace(run, notify_webhook=self.notify_webhook)
        with self._database.write() as tx:
            tx.take_turn("starts")
            earlier = replay(tx, caller, key, digest)
            if earlier is not None:
                return earlier
            run = self._create(tx, caller, run, find_repo(tx, caller, repo.id))
            if traceparent is not None and parse_traceparent(traceparent) is not None:
                trace_table.insert(tx, run.id, traceparent)
            stopped = supersede(tx, run, caller, self._known_secrets.sanitiser()) if request.supersede else []
        for each in [run, *stopped]:
            self._hub.publish(each.id, each.last_seq)
        self._hub.publish(QUEUE, 0)
        return Started(run, replayed=False)

    def get(self, caller: Caller, run_id: str) -> Run:
        """Raises NotFound."""
        caller.require(Scope.READ)
        with self._database.read() as tx:
            return visible_run(tx, caller, run_id)

    def queue_place(self, run: Run) -> QueuePlace | None:
        """Where it waits for a slot, and why; None for a run that does not."""
        return self._places.find(run)

    def cancel(self, caller: Caller, run_id: str) -> Cancelled:
        """A pending run ends at once; a streaming one is asked to; an ended one is returned as it is. NotFound."""
        caller.require(Scope.WRITE)
        with self._database.write() as tx:
            run = visible_run(tx, caller, run_id, lock=True)
            if run.status.is_terminal:
                return Cancelled(run, already_terminal=True)
            changed = stop_run(tx, run, caller, self._known_secrets.sanitiser())
            if changed is not None:
                note(tx, caller, Action.RUN_CANCELLED, run.id, run.repo_id)
            contenders = stop_contenders(tx, run, caller, self._known_secrets.sanitiser())
        for each in contenders:
            self._hub.publish(each.id, each.last_seq)
        if changed is None:  # somebody asked before; the worker is at it
            return Cancelled(run, already_terminal=False)
        self._hub.publish(run.id, changed.last_seq)
        return Cancelled(changed, already_terminal=False)

    @tallied
    def retry(
        self, caller: Caller, run_id: str, overrides: Mapping[str, Any], idempotency_key: str | None = None
    ) -> Started:
        """A new run of the same work on the same branch. `overrides`: budget, timeoutSeconds, model, harness,
        resume.

        Raises NotFound, BadRequest, IdempotencyConflict, RateLimited; Conflict unless the run failed or was cancelled.
        """
        caller.require(Scope.WRITE)
        key = f"retry-{secrets.token_hex(16)}" if idempotency_key is None else clean_idempotency_key(idempotency_key)
        request = read_overrides(overrides)
        if request.harness is not None:
            require_harness(request.harness, self._harness_names)
        digest = retry_digest(run_id, request)
        with self._database.write() as tx:
            tx.take_turn("starts")
            old = visible_run(tx, caller, run_id)
            earlier = replay(tx, caller, key, digest)
            if earlier is not None:
                return earlier
            if old.status not in (Status.FAILED, Status.CANCELLED):
                raise Conflict(f"{old.id} is {old.status}; only a failed or cancelled run can be retried.")
            repo = repo_table.get(tx, old.repo_id)
            if repo is None:
                raise Conflict(
                    f"The repo of {old.id}, {old.repo_full_name}, was removed. Add it, then start a new run."
                )
            if not old.create_branch:
                require_push(repo, old.working_branch, old.delivery)
            run = self._create(tx, caller, self._settle_model(plan_retry(old, caller, key, digest, request)), repo)
            run_table.advance(tx, [runs.c.id == old.id], {"retried_by": run.id}, 0)
        self._hub.publish(run.id, run.last_seq)
        self._hub.publish(QUEUE, 0)
        return Started(run, replayed=False)

    def patch(self, caller: Caller, run_id: str) -> bytes:
        """The run's diff against its base commit. Raises NotFound, which says why there is none."""
        return read_patch(self._database, self._blobs, caller, run_id)

    def shown_patch(self, caller: Caller, run_id: str) -> str:
        """The diff for people to look at: without the secrets that are known, so it may not apply. Raises NotFound."""
        diff = self.patch(caller, run_id)
        with self._database.read() as tx:
            run = visible_run(tx, caller, run_id)
            sanitiser = self._known_secrets.sanitiser_of(tx, run, repo_table.get(tx, run.repo_id))
        return sanitiser.text(diff.decode("utf-8", "replace"), MAX_SHOWN_PATCH_BYTES)

    def checks(self, caller: Caller, run_id: str, *, whole: bool = False) -> list[CheckRecord]:
        """In the order in which they ran; with `whole` all that was kept of their output. Raises NotFound, and
        ServiceUnavailable when that can't be read now."""
        caller.require(Scope.READ)
        with self._database.read() as tx:
            found = check_table.select(tx, visible_run(tx, caller, run_id).id)
        if not whole:
            return [check for check, _ in found]
        read = self._blobs.read_text
        return [replace(check, output=read(LargeText(check.output, blob))) for check, blob in found]

    def list(self, caller: Caller, filter: RunFilter) -> Page[Run]:
        """The newest first. Raises BadRequest for a value of the filter that can't be."""
        caller.require(Scope.READ)
        limit = clamp_limit(filter.limit)
        conditions = filter.conditions(caller)
        with self._database.read() as tx:
            found = run_table.select(tx, conditions, limit + 1)
        return cut(found, limit, lambda run: (run.created_at, run.id))

    def _create(self, tx: Transaction, caller: Caller, run: Run, repo: Repo) -> Run:
        """The row, which waits for a slot from now on, and its first event.

        Needs the turn "starts", so that quota and limit hold exactly."""
        self._limits.check_starts(tx, caller.owner)
        waiting = run_table.count(tx, *run_table.QUEUED)
        if waiting >= self._queue_limit:
            raise RateLimited(
                f"The queue is full: {waiting} runs wait already. Try again when some have started.",
                QUEUE_FULL_RETRY_SECONDS,
            )
        ready_at = tx.now if run.contest is None else None
        run = replace(run, created_at=tx.now, updated_at=tx.now, ready_at=ready_at, last_seq=1)
        run_table.insert(tx, run)
        position = self._places.ahead_of(tx, run) + 1
        sanitiser = self._known_secrets.sanitiser_of(tx, run, repo)
        draft = queued_draft(run, position)
        draft = replace(draft, payload=sanitiser.payload(draft.payload))
        event_table.append(tx, run.id, 1, 0, [draft])
        note(tx, caller, Action.RUN_RETRIED if run.retry_of else Action.RUN_STARTED, run.id, run.repo_id)
        if run.contest is None:
            return run
        return self._begin_contest(tx, run, run.contest)

    def _begin_contest(self, tx: Transaction, run: Run, contest: Contest) -> Run:
        """The first contenders; `Contests` sees to all that follows."""
        at_once = len(contest.harnesses) if contest.mode is ContestMode.SIDE_BY_SIDE else 1
        for _ in range(at_once):
            run = start_contender(tx, run, self._places, self._known_secrets)[-1]
        return run
