"""What this door needs from the house, handed in by whoever builds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mogplex.domain.model import ModelInfo
from mogplex.domain.repo import Repo
from mogplex.domain.setup import Step
from mogplex.service.audit import Audit
from mogplex.service.events import Events
from mogplex.service.hooks import Hooks
from mogplex.service.keys import Keys
from mogplex.service.limits import Limits
from mogplex.service.metrics import Metrics
from mogplex.service.model_calls import ModelCalls
from mogplex.service.report import Report
from mogplex.service.repos import Repos
from mogplex.service.runs import Runs
from mogplex.service.sandboxes import Sandboxes
from mogplex.service.schedules import Schedules
from mogplex.service.secrets import Secrets
from mogplex.service.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class HarnessInfo:
    """An installed harness. `available`: it can run now; else `reason` says why and `remedy` what to do."""

    name: str
    available: bool
    version: str | None = None
    reason: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """One thing that must work before requests make sense: the database, say. `detail` is one line."""

    name: str
    ok: bool
    detail: str = ""


def _detect_nothing(repo: Repo) -> None:
    """For a door without a work folder."""


@dataclass(frozen=True, slots=True)
class Services:
    """All calls may block; they are made in worker threads, many at a time."""

    keys: Keys
    audit: Audit
    limits: Limits
    repos: Repos
    secrets: Secrets
    runs: Runs
    events: Events
    sandboxes: Sandboxes
    schedules: Schedules
    webhooks: Webhooks
    hooks: Hooks
    report: Report
    metrics: Metrics
    calls: ModelCalls
    models: Callable[[], Sequence[ModelInfo]]
    harnesses: Callable[[], Sequence[HarnessInfo]]
    readiness: Callable[[], Sequence[Readiness]]
    detect_setup: Callable[[Repo], Sequence[Step] | None] = _detect_nothing
    weaknesses: Callable[[], Sequence[str]] = tuple  # what this process's sandboxes don't hold, in sentences
