"""The tools' calls on this process's own services, for one caller."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from mogplex.domain.access import Caller
from mogplex.domain.repo_view import repo_object
from mogplex.domain.request import RunRequest, clean_idempotency_key
from mogplex.domain.run import Run
from mogplex.domain.run_view import listed_run_object, run_object
from mogplex.domain.view import event_object
from mogplex.mcp.calls import Json
from mogplex.service.events import Events
from mogplex.service.replay import Started
from mogplex.service.report import Report
from mogplex.service.repos import Repos
from mogplex.service.run_filter import RunFilter
from mogplex.service.runs import Runs


class ServiceCalls:
    """As `client.Client`, without a network between. Scopes are the caller's; every method raises MogplexError."""

    def __init__(self, caller: Caller, *, repos: Repos, runs: Runs, events: Events, report: Report) -> None:
        self._caller = caller
        self._repos = repos
        self._runs = runs
        self._events = events
        self._report = report

    def list_repos(self, query: str | None = None, limit: int | None = None, cursor: str | None = None) -> Json:
        page = self._repos.list(self._caller, query, limit or 50, cursor)
        return {"repos": [repo_object(repo) for repo in page.items], "nextCursor": page.next_cursor}

    def start_run(self, body: Mapping[str, object], *, idempotency_key: str | None = None) -> Json:
        key = clean_idempotency_key(idempotency_key or str(uuid.uuid4()))
        return self._started(self._runs.start(self._caller, RunRequest.of(dict(body)), key))

    def list_runs(
        self, *, repo: str | None = None, status: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Json:
        page = self._runs.list(self._caller, RunFilter(repo=repo, status=status, limit=limit or 50, cursor=cursor))
        return {"runs": [self._shown(run, listed_run_object) for run in page.items], "nextCursor": page.next_cursor}

    def get_run(self, run_id: str) -> Json:
        return self._shown(self._runs.get(self._caller, run_id))

    def list_events(self, run_id: str, after: int = 0, limit: int | None = None) -> Json:
        page = self._events.page(self._caller, run_id, after, limit or 50)
        return {
            "events": [event_object(event) for event in page.events],
            "nextAfter": page.next_after,
            "hasMore": page.has_more,
        }

    def get_patch(self, run_id: str) -> bytes:
        return self._runs.patch(self._caller, run_id)

    def cancel_run(self, run_id: str) -> Json:
        cancelled = self._runs.cancel(self._caller, run_id)
        run = self._shown(cancelled.run)
        return {"run": run, "status": cancelled.run.status, "alreadyTerminal": cancelled.already_terminal}

    def retry_run(
        self, run_id: str, body: Mapping[str, object] | None = None, *, idempotency_key: str | None = None
    ) -> Json:
        return self._started(self._runs.retry(self._caller, run_id, dict(body or {}), idempotency_key))

    def get_pressure(self) -> Json:
        return self._report.pressure(self._caller)

    def _started(self, started: Started) -> Json:
        return {**self._shown(started.run), "replayed": started.replayed}

    def _shown(self, run: Run, view: Any = run_object) -> Json:
        shown: Json = view(run, self._runs.queue_place(run))
        return shown
