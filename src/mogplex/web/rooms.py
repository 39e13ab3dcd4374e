"""What the pages need from the house, handed in by whoever builds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mogplex.service.events import Events
from mogplex.service.keys import Keys
from mogplex.service.report import Report
from mogplex.service.repos import Repos
from mogplex.service.runs import Runs
from mogplex.service.sandboxes import Sandboxes
from mogplex.service.schedules import Schedules
from mogplex.service.secrets import Secrets
from mogplex.service.web_sessions import WebSessions
from mogplex.service.webhooks import Webhooks
from mogplex.web.timeline import Timelines


class HarnessState(Protocol):
    """An installed harness; if it can't run now, `reason` says why and `remedy` what to do."""

    @property
    def name(self) -> str: ...
    @property
    def available(self) -> bool: ...
    @property
    def version(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def remedy(self) -> str | None: ...


class Services(Protocol):
    """What the API's door has too."""

    @property
    def keys(self) -> Keys: ...
    @property
    def repos(self) -> Repos: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def events(self) -> Events: ...
    @property
    def sandboxes(self) -> Sandboxes: ...
    @property
    def schedules(self) -> Schedules: ...
    @property
    def webhooks(self) -> Webhooks: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def report(self) -> Report: ...
    @property
    def harnesses(self) -> Callable[[], Sequence[HarnessState]]: ...
    @property
    def weaknesses(self) -> Callable[[], Sequence[str]]: ...


@dataclass(frozen=True, slots=True)
class Rooms:
    """All calls may block; they are made in worker threads, many at a time."""

    sessions: WebSessions
    keys: Keys
    repos: Repos
    runs: Runs
    events: Events
    sandboxes: Sandboxes
    schedules: Schedules
    webhooks: Webhooks
    secrets: Secrets
    report: Report
    timelines: Timelines
    harnesses: Callable[[], Sequence[HarnessState]]
    weaknesses: Callable[[], Sequence[str]]  # what this process's sandboxes don't hold, in sentences
    version: str

    @staticmethod
    def of(services: Services, sessions: WebSessions, version: str) -> Rooms:
        return Rooms(
            sessions=sessions,
            keys=services.keys,
            repos=services.repos,
            runs=services.runs,
            events=services.events,
            sandboxes=services.sandboxes,
            schedules=services.schedules,
            webhooks=services.webhooks,
            secrets=services.secrets,
            report=services.report,
            timelines=Timelines(services.events.since),
            harnesses=services.harnesses,
            weaknesses=services.weaknesses,
            version=version,
        )
