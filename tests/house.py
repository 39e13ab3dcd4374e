"""The services on one database, wired for tests, with a dispatcher that only remembers."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from mogplex.domain.access import Caller
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.repo import RemoteFacts, Repo
from mogplex.domain.request import RunRequest
from mogplex.domain.run import Ending, Outcome, Run, Verdict
from mogplex.domain.seating import SeatRules
from mogplex.domain.worker import WorkerInfo
from mogplex.service.attempts import Attempts
from mogplex.service.audit import Audit
from mogplex.service.blobs import Blobs
from mogplex.service.events import EventHub, Events
from mogplex.service.hooks import Hooks
from mogplex.service.keys import Keys
from mogplex.service.known_secrets import KnownSecrets
from mogplex.service.limits import Limits
from mogplex.service.metrics import Metrics
from mogplex.service.places import Places
from mogplex.service.replay import Started
from mogplex.service.report import Report
from mogplex.service.repos import Repos
from mogplex.service.runs import Runs
from mogplex.service.sandboxes import Sandboxes
from mogplex.service.schedules import Schedules
from mogplex.service.seating import Seating
from mogplex.service.secrets import Secrets
from mogplex.service.sign_ins import SignIns
from mogplex.service.vault import Vault
from mogplex.service.webhooks import Webhooks
from mogplex.service.workers import Workers
from mogplex.store.database import Database

HARNESSES = ("builtin", "codex", "repair")
VAULT_KEY = Vault.generate_key()
RULES = SeatRules(alive_within_seconds=60.0)
MANY = {60.0: 1_000_000}  # starts a minute: no limit in tests that are about something else


class PlainSanitiser:
    """Takes the known secrets out and cuts; what a real one does besides is its own tests' matter."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = [secret for secret in secrets if secret]

    def text(self, s: str, limit: int = 8192) -> str:
        for secret in self.secrets:
            s = s.replace(secret, "[redacted]")
        return s[:limit]

    def payload(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self.payload(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.payload(each) for each in value]
        return value


class RecordingDispatcher:
    """Remembers what it was asked. Hand-overs are made known only when their transaction is committed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.handed: list[tuple[str, str, int]] = []  # (run, worker, number)

    def hand_over(self, transaction: sa.Connection, run_id: str, worker_id: str, number: int) -> None:
        assert transaction.in_transaction()

        def keep(connection: sa.Connection) -> None:
            with self._lock:
                self.handed.append((run_id, worker_id, number))

        sa.event.listen(transaction, "commit", keep, once=True)


class House:
    """Every service on one database."""

    def __init__(
        self,
        database: Database,
        *,
        starts: Mapping[float, int] = MANY,
        queue_limit: int = 10_000,
        rules: SeatRules = RULES,
        secret: str | None = None,
        blobs: Blobs | None = None,
    ) -> None:
        """`secret`: that of an admin key which the database has already."""
        self.database = database
        self.dispatcher = RecordingDispatcher()
        self.hub = EventHub()
        self.places = Places(database, rules)
        self.seating = Seating(database, self.dispatcher, self.hub, rules)
        self.sign_ins = SignIns(database)
        self.keys = Keys(database, self.sign_ins)
        self.audit = Audit(database, self.sign_ins)
        self.limits = Limits(database, starts=starts)
        self.events = Events(database, self.hub)
        self.vault = Vault([VAULT_KEY])
        self.known_secrets = KnownSecrets(PlainSanitiser, self.vault)
        self.repos = Repos(database, lambda url, credential: RemoteFacts("main", empty=False), HARNESSES, self.vault)
        self.secrets = Secrets(database, self.vault)
        self.runs = Runs(
            database,
            self.places,
            self.limits,
            self.events,
            known_secrets=self.known_secrets,
            choose_harness=lambda repo: "repair",
            harness_names=HARNESSES,
            default_timeout_seconds=1800.0,
            queue_limit=queue_limit,
            blobs=blobs,
        )
        self.attempts = Attempts(database, self.hub, self.known_secrets, blobs)
        self.sandboxes = Sandboxes(database, blobs)
        self.workers = Workers(database, self.hub, self.known_secrets)
        self.metrics = Metrics(database, alive_within_seconds=60.0)
        self.webhooks = Webhooks(database, self.vault)
        self.hooks = Hooks(database, self.vault)
        self.schedules = Schedules(database, self.runs, HARNESSES, lambda repo: "repair")
        self.report = Report(database, self.limits, rules=rules, queue_limit=queue_limit)
        secret = secret or self.keys.create_first()
        assert secret is not None
        self.secret = secret
        self.admin: Caller = self.keys.authenticate(secret)

    def add_repo(self, **settings: Any) -> Repo:
        body = {"cloneUrl": "/srv/git/acme/widgets", "pushBranches": ["*"], **settings}
        return self.repos.add(self.admin, body)[0]

    def caller(self, *scopes: str, owner: str | None = None, repo_ids: list[str] | None = None) -> Caller:
        _, secret = self.keys.create(self.admin, name="test", scopes=scopes, repo_ids=repo_ids, owner=owner)
        return self.keys.authenticate(secret)

    def start(self, repo: Repo, key: str = "k", caller: Caller | None = None, **fields: Any) -> Started:
        request = RunRequest.of({"repoId": repo.id, "prompt": "Mend it", **fields})
        return self.runs.start(caller or self.admin, request, key)

    def claim(self, run: Run, worker_id: str = "w1") -> Run:
        claimed = self.attempts.claim(run.id, worker_id)
        assert claimed is not None
        return claimed

    def register(self, worker_id: str) -> None:
        self.workers.register(WorkerInfo(worker_id, "host", 1, 2))

    def close(self) -> None:
        self.attempts.close(5.0)


def said(message: str, **payload: Any) -> EventDraft:
    return EventDraft(EventType.ASSISTANT_MESSAGE, message, payload=payload)


def ending(outcome: Outcome = Outcome.COMPLETED, verdict: Verdict = Verdict.VERIFIED, **fields: Any) -> Ending:
    return Ending(outcome, verdict, **fields)
