"""Which runs a list is to show, as conditions on the table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from mogplex.domain.access import Caller
from mogplex.domain.errors import BadRequest
from mogplex.domain.run import Outcome, Status
from mogplex.service.ids import is_id
from mogplex.service.page import decode_time_cursor
from mogplex.store.runs import OPEN, has_label
from mogplex.store.schema import runs

_ID_PREFIX = re.compile(r"[0-9a-z_]{0,40}\Z")


@dataclass(frozen=True, slots=True)
class RunFilter:
    """None and empty let everything through. `repo` is an id or a full name; `prefix` a run id or its beginning."""

    repo: str | None = None
    status: str | None = None
    outcome: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    retry_of: str | None = None
    contender_of: str | None = None
    since: float | None = None  # seconds since 1970
    prefix: str | None = None
    limit: int = 50
    cursor: str | None = None

    def conditions(self, caller: Caller) -> list[sa.ColumnElement[bool]]:
        """Raises BadRequest for values that can't be."""
        wanted: list[sa.ColumnElement[bool]] = []
        if caller.repo_ids is not None:
            wanted.append(runs.c.repo_id.in_(sorted(caller.repo_ids)))
        if self.repo:
            column = runs.c.repo_id if is_id(self.repo, "repo") else runs.c.repo_full_name
            wanted.append(column == _storable("repo", self.repo))
        if self.status is not None:
            status = Status(_known("status", self.status, Status))
            wanted.append(runs.c.status == status)
            if not status.is_terminal:
                wanted.append(OPEN)
        if self.outcome is not None:
            wanted.append(runs.c.outcome == _known("outcome", self.outcome, Outcome))
        for name, value in self.labels.items():
            wanted.append(has_label(_storable("label", name), _storable("label", value)))
        if self.retry_of is not None:
            wanted.append(runs.c.retry_of == _storable("retryOf", self.retry_of))
        if self.contender_of is not None:
            wanted.append(runs.c.contender_of == _storable("contenderOf", self.contender_of))
        if self.since is not None:
            wanted.append(runs.c.created_at >= self.since)
        if self.prefix is not None:
            wanted.append(_begins_with(self.prefix))
        if self.cursor is not None:
            created_at, run_id = decode_time_cursor(self.cursor)
            wanted.append(sa.tuple_(runs.c.created_at, runs.c.id) < sa.tuple_(created_at, run_id))
        return wanted


def _begins_with(prefix: str) -> sa.ColumnElement[bool]:
    if not _ID_PREFIX.match(prefix):
        raise BadRequest(f"prefix {prefix[:60]!r} can't be the beginning of a run's id, such as run_1a2b.")
    return runs.c.id.startswith(prefix, autoescape=True)


def _known(name: str, value: str, kind: type[Status] | type[Outcome]) -> str:
    try:
        return kind(value)
    except ValueError as fault:
        raise BadRequest(f"{name} {value[:60]!r} is not known; known are: {', '.join(kind)}.") from fault


def _storable(name: str, value: str) -> str:
    if "\x00" in value:
        raise BadRequest(f"{name} holds a NUL character.")
    return value
