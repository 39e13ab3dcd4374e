"""What a server and a worker share: every service on one database."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from mogplex.api.services import Readiness, Services
from mogplex.domain.errors import WorkspaceError
from mogplex.domain.forge import ForgeFault, ForgeSettings, locate
from mogplex.domain.ports import Dispatcher, Harness
from mogplex.domain.repo import RemoteFacts
from mogplex.domain.seating import SeatRules
from mogplex.domain.secret import GitCredential
from mogplex.egress.address import Reach
from mogplex.egress.poster import post
from mogplex.forges.forges import Forges
from mogplex.gateway.gateway import Gateway
from mogplex.home import Home
from mogplex.offers import Offers
from mogplex.service.attempts import Attempts
from mogplex.service.audit import Audit
from mogplex.service.contests import Contests
from mogplex.service.courier import Courier
from mogplex.service.events import EventHub, Events
from mogplex.service.firing import Firing
from mogplex.service.hook_work import HookWork
from mogplex.service.hooks import Hooks
from mogplex.service.keys import Keys
from mogplex.service.known_secrets import KnownSecrets
from mogplex.service.limits import Limits as RateLimits
from mogplex.service.metrics import Metrics
from mogplex.service.model_calls import ModelCalls
from mogplex.service.places import Places
from mogplex.service.recordings import Recordings
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
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.wiring.adapters import make_blobs, make_layout, open_forges
from mogplex.wiring.detection import SetupDetection
from mogplex.workspace.git import Git
from mogplex.workspace.mirror import Mirrors
from mogplex.workspace.remote import inspect_remote


@dataclass(frozen=True, slots=True)
class Told:
    """What tells others what has happened."""

    courier: Courier
    hook_work: HookWork

    @staticmethod
    def build(settings: Settings, database: Database, vault: Vault, runs: Runs, forges: Forges) -> Told:
        reach = Reach(permitted=settings.webhook_networks)
        return Told(
            Courier(database, vault, functools.partial(post, reach=reach)),
            HookWork(database, runs, vault, forges, settings.public_url),
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What API and worker share."""

    services: Services
    attempts: Attempts
    workers: Workers
    seating: Seating
    gateway: Gateway
    harnesses: Mapping[str, Harness]
    firing: Firing
    contests: Contests
    told: Told
    forges: Forges
    weaknesses: list[str] = field(default_factory=list)  # of this process's own worker, told when it starts

    @staticmethod
    def build(settings: Settings, database: Database, dispatcher: Dispatcher) -> Parts:
        hub = EventHub()
        events = Events(database, hub)
        offers = Offers.build(settings)
        harnesses = offers.harnesses
        calls = ModelCalls(database, settings.key_usd_per_day)
        limits = _rate_limits(settings, database)
        layout, vault = make_layout(settings, Home(settings)), Vault(Home(settings).read_secret_keys())
        git = Git(layout.git_home)
        known_secrets, secrets = KnownSecrets(offers.open_sanitiser(), vault), Secrets(database, vault)
        webhooks = _reseal(secrets, Webhooks(database, vault))
        sign_ins, blobs = SignIns(database), make_blobs(settings)
        rules = _seat_rules(settings)
        places = Places(database, rules)
        forges = open_forges(settings.forge_networks)
        runs = Runs(
            database,
            places,
            limits,
            events,
            known_secrets=known_secrets,
            choose_harness=offers.choose_harness,
            harness_names=tuple(harnesses),
            default_timeout_seconds=settings.timeout_seconds,
            queue_limit=settings.queue_limit,
            settle_model=offers.settle_model,
            blobs=blobs,
            notify_webhook=settings.notify_webhook,
        )
        weaknesses: list[str] = []
        services = Services(
            keys=Keys(database, sign_ins),
            audit=Audit(database, sign_ins),
            limits=limits,
            repos=Repos(database, functools.partial(_inspect, git, forges), tuple(harnesses), vault),
            secrets=secrets,
            runs=runs,
            events=events,
            sandboxes=Sandboxes(database, blobs),
            webhooks=webhooks,
            hooks=Hooks(database, vault),
            schedules=Schedules(database, runs, tuple(harnesses), offers.choose_harness),
            metrics=Metrics(database, alive_within_seconds=settings.dead_after_seconds),
            report=Report(database, limits, rules=rules, queue_limit=settings.queue_limit),
            calls=calls,
            models=offers.survey.models,
            harnesses=offers.harness_infos,
            readiness=lambda: [_database_readiness(database)],
            detect_setup=SetupDetection(Mirrors(layout.mirrors, git), database, vault, forges).detect,
            weaknesses=lambda: tuple(weaknesses),
        )
        attempts = Attempts(database, hub, known_secrets, blobs)
        workers = Workers(database, hub, known_secrets, max_attempts=settings.max_attempts)
        contests = Contests(database, places, hub, known_secrets)
        gateway = Gateway(offers.catalog, calls, Recordings(database, known_secrets))
        firing, told = Firing(database, runs), Told.build(settings, database, vault, runs, forges)
        seating = Seating(database, dispatcher, hub, rules)
        return Parts(
            services, attempts, workers, seating, gateway, harnesses, firing, contests, told, forges, weaknesses
        )


def _rate_limits(settings: Settings, database: Database) -> RateLimits:
    starts = {60.0: settings.starts_per_minute, 3600.0: settings.starts_per_hour, 86400.0: settings.starts_per_day}
    return RateLimits(database, requests_per_minute=settings.requests_per_minute, starts=starts)


def _seat_rules(settings: Settings) -> SeatRules:
    return SeatRules(
        settings.priority_aging_seconds,
        settings.repo_concurrency,
        settings.key_concurrency,
        settings.dead_after_seconds,
    )


def _reseal(secrets: Secrets, webhooks: Webhooks) -> Webhooks:
    """So that an older key of the vault can be taken away once a newer one stands before it. Gives `webhooks` back."""
    secrets.reseal()
    webhooks.reseal()
    return webhooks


def _inspect(git: Git, forges: Forges, clone_url: str, credential: GitCredential | None) -> RemoteFacts:
    try:
        settled = forges.settle(credential, clone_url, lambda: locate(clone_url, ForgeSettings()))
    except ForgeFault as fault:
        raise WorkspaceError(fault.message) from fault
    facts = asyncio.run(inspect_remote(git, clone_url, settled))
    return RemoteFacts(facts.default_branch, facts.empty)


def _database_readiness(database: Database) -> Readiness:
    reachable = database.is_reachable()
    return Readiness("database", reachable, "answers" if reachable else "cannot be reached; see the server's log")
