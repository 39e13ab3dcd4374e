"""The worker's side of a run: claim it, write what happens, end it. Nothing is written by who lost the run."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from mogplex.domain.blob import shorten
from mogplex.domain.check import CheckRecord
from mogplex.domain.errors import WorkspaceError
from mogplex.domain.event import EventDraft
from mogplex.domain.kept_work import KeptWork
from mogplex.domain.model_call import ModelCall, call_draft
from mogplex.domain.repo import Repo
from mogplex.domain.run import Ending, Run
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.sanitiser import Sanitiser
from mogplex.domain.secret import OpenSecret
from mogplex.domain.traceparent import traceparent_within
from mogplex.domain.worker import Signal
from mogplex.service.blobs import Blobs
from mogplex.service.claims import take
from mogplex.service.cleaning import clean_call, clean_check, clean_draft, clean_facts, clean_value
from mogplex.service.ending import end_run
from mogplex.service.events import QUEUE, EventHub
from mogplex.service.ids import generate_id
from mogplex.service.known_secrets import KnownSecrets
from mogplex.service.sealing import open_secrets
from mogplex.service.signals import select_signals, signal_of
from mogplex.store import checks as check_table
from mogplex.store import facts as facts_table
from mogplex.store import model_calls as call_table
from mogplex.store import patches as patch_table
from mogplex.store import repos as repo_table
from mogplex.store import runs as run_table
from mogplex.store import sandboxes as sandbox_table
from mogplex.store import traces as trace_table
from mogplex.store.database import Database, Transaction
from mogplex.store.writer import EventWriter, Fence

# What a worker may note about its run while it plays it; `delivered` (True) besides them.
NOTABLE = frozenset(
    {"base_commit", "model", "conversation_id", "workspace_session_id", "usage", "cost_usd", "cost_known"}
    | {"timing", "verdict", "baseline", "tests_touched", "changes", "pull_request_url"}
)
_MAX_SANITISERS = 1024
_USUAL_DAYS, _USUAL_RUNS = 90, 50


class Attempts:
    """Every write holds only while (run, attempt, worker) still own the run and it is streaming. Thread-safe.

    Methods raise ServiceUnavailable while the database is away; nothing was written then and they may be called again.
    """

    def __init__(
        self, database: Database, hub: EventHub, known_secrets: KnownSecrets, blobs: Blobs | None = None
    ) -> None:
        self._database = database
        self._blobs = blobs or Blobs()
        self._hub = hub
        self._known_secrets = known_secrets
        self._writer = EventWriter(database, hub.publish)
        self._lock = threading.Lock()
        self._sanitisers: OrderedDict[str, Sanitiser] = OrderedDict()
        self._claims_in_doubt: dict[tuple[str, str], str] = {}  # (run, worker) -> the sandbox record it would have

    def claim(self, run_id: str, worker_id: str) -> Run | None:
        """Take a pending run for its next attempt; None when it is not to be had (cancelled, ended, taken).

        After ServiceUnavailable call it again: should the claim have been made without an answer, it is told then.
        """
        with self._lock:
            record_id = self._claims_in_doubt.setdefault((run_id, worker_id), generate_id("sbx"))
        with self._database.write() as tx:
            run = take(tx, run_id, worker_id, record_id)
            if run is not None:
                self._open(tx, run)
        with self._lock:
            self._claims_in_doubt.pop((run_id, worker_id), None)
        if run is not None:
            self._hub.publish(run.id, run.last_seq)
        return run

    def record(self, run: Run, drafts: Sequence[EventDraft]) -> Future[bool]:
        """Queue events; the future tells, after the commit, whether the run was still ours (an exception: refused).

        Returns without waiting for the disk, but blocks while more than 10,000 drafts wait. Raises TypeError for a
        payload that is no JSON.
        """
        sanitiser = self._sanitiser(run)
        return self._writer.put(_fence(run), [clean_draft(draft, sanitiser) for draft in drafts])

    def record_call(self, run: Run, call: ModelCall) -> Future[bool]:
        """Queue a model call: its event and its row, in one transaction. Otherwise like `record`."""
        sanitiser = self._sanitiser(run)
        cleaned = clean_call(call, sanitiser)
        draft = clean_draft(call_draft(cleaned), sanitiser)
        return self._writer.put(_fence(run), [draft], call_table.encode_call(cleaned, run.api_key_id))

    def update(self, run: Run, *, sandbox: SandboxFacts | None = None, delivered: bool = False, **columns: Any) -> bool:
        """Note facts: any of NOTABLE, the sandbox's facts, and that something was delivered (call it before you do).

        False: the run is not ours any more. A run of which something was delivered is never played again by itself.
        Raises TypeError for other columns.
        """
        unknown = set(columns) - NOTABLE
        if unknown:
            raise TypeError(f"not to be noted by a worker: {', '.join(sorted(unknown))}")
        sanitiser = self._sanitiser(run)
        kept = self._keep_facts(sandbox, sanitiser)
        with self._database.write() as tx:
            values: dict[str, Any] = {name: clean_value(value, sanitiser) for name, value in columns.items()}
            if delivered:
                values["delivered_at"] = tx.now
            if run_table.advance(tx, _owned(run), values, 0) is None:
                return False
            if kept is not None:
                sandbox_table.note_facts(tx, run.id, run.attempt, *kept)
        return True

    def save_patch(self, run: Run, diff: bytes) -> bool:
        """Keep `diff` as the run's patch, in place of an earlier one. False: not ours any more."""
        kept = self._blobs.keep(diff)
        with self._database.write() as tx:
            if not _holds(tx, run):
                return False
            patch_table.put(tx, run.id, run.attempt, kept)
        return True

    def save_check(self, run: Run, check: CheckRecord) -> bool:
        """False: not ours any more."""
        cleaned = clean_check(replace(check, attempt=run.attempt), self._sanitiser(run))
        output = self._blobs.keep_text(cleaned.output)
        with self._database.write() as tx:
            if not _holds(tx, run):
                return False
            check_table.insert(tx, run.id, replace(cleaned, output=output.text), output.blob)
        return True

    def cached_baseline(self, repo_id: str, commit: str, command: str, setup_key: str = "") -> CheckRecord | None:
        """What this check said on this commit before any work, if an earlier run kept it; marked `cached`.

        `setup_key` names what the repo's setup had installed; "" is nothing.
        """
        with self._database.read() as tx:
            return check_table.get_baseline(tx, repo_id, commit, command, setup_key)

    def save_baseline(self, run: Run, commit: str, check: CheckRecord, setup_key: str = "") -> bool:
        """False: not ours any more."""
        cleaned = clean_check(check, self._sanitiser(run))
        cleaned = replace(cleaned, output=shorten(cleaned.output))  # after the cleaning: half a secret is not known
        with self._database.write() as tx:
            if not _holds(tx, run):
                return False
            check_table.put_baseline(tx, run.repo_id, commit, check.command, cleaned, setup_key)
        return True

    def usual_cost(self, run: Run) -> tuple[float | None, int]:
        """What runs like this one (repo, harness, and model if it names one) cost in USD on average, and of how many
        runs that is known: at most the last 50 of 90 days that asked a model. None when there was none."""
        with self._database.read() as tx:
            since = tx.now - _USUAL_DAYS * 86_400
            return facts_table.average_cost(tx, run.repo_id, run.harness, run.model, since, _USUAL_RUNS)

    def repo_of(self, run: Run) -> Repo:
        """The repo that the run works on. Raises WorkspaceError when it was removed meanwhile."""
        with self._database.read() as tx:
            repo = repo_table.get(tx, run.repo_id)
        if repo is None:
            raise WorkspaceError(f"The repo {run.repo_full_name} was removed; register it again and start a new run.")
        return repo

    def kept_work(self, run: Run) -> KeptWork | None:
        """What the run that this one resumes, or the winner of its contest, has left; None: nothing to go on from."""
        earlier = run.contest.winner if run.contest else run.retry_of if run.resume else None
        if earlier is None:
            return None
        with self._database.read() as tx:
            old = run_table.get(tx, earlier)
            diff = patch_table.get(tx, earlier)
        if old is None or old.base_commit is None:
            return None
        work = b"" if diff is None else self._blobs.read(diff)
        session = old.session if old.harness == run.harness else None
        pushed = old.changes.commit if old.partial and old.changes else None
        return KeptWork(old.id, old.base_commit, work, session, pushed, old.result)

    def checks_of(self, run: Run) -> list[CheckRecord]:
        """What the checks of this attempt said, in the order in which they were saved."""
        with self._database.read() as tx:
            return [each for each, _ in check_table.select(tx, run.id) if each.attempt == run.attempt]

    def clean_text(self, run: Run, text: str, limit_bytes: int) -> str:
        """`text` as it may leave the house: without the secrets of the run and its repo."""
        return self._sanitiser(run).text(text, limit_bytes)

    def open_secrets(self, run: Run) -> tuple[OpenSecret, ...]:
        """Those of the run's repo. Raises WorkspaceError when one can't be opened."""
        with self._database.read() as tx:
            return open_secrets(tx, self._known_secrets.vault, run.repo_id)

    def traceparent(self, run: Run) -> str:
        """What a harness is told as TRACEPARENT: the caller's trace or the run's own, and the run's span."""
        with self._database.read() as tx:
            return traceparent_within(run.id, trace_table.get(tx, run.id))

    def owns(self, run: Run) -> bool:
        """Ask right before anything that leaves the house."""
        with self._database.read() as tx:
            return run_table.count(tx, *_owned(run)) == 1

    def finish(
        self, run: Run, ending: Ending, sandbox: SandboxFacts | None = None, *, timeout_seconds: float = 60.0
    ) -> bool:
        """End the run: waits for its queued events, then writes status, columns and `finished` in one transaction.

        False: the run is not ours any more, or has ended. Raises ServiceUnavailable when its events can't be written
        within `timeout_seconds`; they are kept, and it may be called again.
        """
        self._writer.drain(run.id, timeout_seconds)
        sanitiser = self._sanitiser(run)
        kept = self._keep_facts(sandbox, sanitiser)
        with self._database.write() as tx:
            ended = end_run(tx, run, _owned(run), ending, sanitiser)
            if ended is not None and kept is not None:
                sandbox_table.note_facts(tx, run.id, run.attempt, *kept)
        with self._lock:
            self._sanitisers.pop(run.id, None)
        if ended is None:
            return False
        self._hub.publish(run.id, ended.last_seq)
        self._hub.publish(QUEUE, 0)
        return True

    def signals(self, worker_id: str, run_ids: Sequence[str]) -> dict[str, Signal]:
        """What the player of each run must learn; runs without news are left out. One query for all of them."""
        if not run_ids:
            return {}
        with self._database.read() as tx:
            rows = select_signals(tx, run_ids)
        found = {run_id: signal_of(rows.get(run_id), worker_id) for run_id in run_ids}
        return {run_id: signal for run_id, signal in found.items() if signal is not None}

    def close(self, timeout_seconds: float = 30.0) -> None:
        """Write what was recorded and stop. What can't be written within the time is given up, with a log line."""
        self._writer.close(timeout_seconds)

    def _keep_facts(self, facts: SandboxFacts | None, sanitiser: Sanitiser) -> tuple[SandboxFacts, str | None] | None:
        """What to write into the row, and the blob that has the whole log."""
        if facts is None:
            return None
        cleaned = clean_facts(facts, sanitiser)
        log = self._blobs.keep_text(cleaned.log)
        return replace(cleaned, log=log.text), log.blob

    def _sanitiser(self, run: Run) -> Sanitiser:
        with self._lock:
            known = self._sanitisers.get(run.id)
        if known is not None:
            return known
        with self._database.read() as tx:
            return self._open(tx, run)

    def _open(self, tx: Transaction, run: Run) -> Sanitiser:
        sanitiser = self._known_secrets.sanitiser_of(tx, run, repo_table.get(tx, run.repo_id))
        with self._lock:
            self._sanitisers[run.id] = sanitiser
            while len(self._sanitisers) > _MAX_SANITISERS:
                self._sanitisers.popitem(last=False)
        return sanitiser


def _owned(run: Run) -> list[sa.ColumnElement[bool]]:
    return run_table.owned(run.id, run.attempt, run.worker_id)


def _fence(run: Run) -> Fence:
    return Fence(run.id, run.attempt, run.worker_id)


def _holds(tx: Transaction, run: Run) -> bool:
    """Whether the run is still ours; if so it stays ours until the transaction ends."""
    return run_table.take_numbers(tx, _owned(run), 0, delivered=False) is not None
