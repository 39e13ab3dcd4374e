"""Which model calls a list is to show, of all runs that a key may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from mogplex.domain.access import Caller
from mogplex.domain.errors import BadRequest
from mogplex.domain.model_call import StoredCall
from mogplex.service.ids import is_id
from mogplex.service.page import Page, clamp_limit, decode_name_cursor, encode_cursor
from mogplex.store import call_search
from mogplex.store.database import Transaction
from mogplex.store.model_tables import model_calls
from mogplex.store.schema import runs

DEEPEST = 10_000  # calls that can be paged through; narrow the window for more


class CallOrder(StrEnum):
    """By what a list is sorted, the greatest first."""

    TIME = "time"
    COST = "cost"
    TOKENS = "tokens"
    DURATION = "duration"


class CallState(StrEnum):
    OK = "ok"  # the answer came whole
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CallFilter:
    """None lets everything through; times are seconds since 1970 and must be given unless `run` is."""

    run: str | None = None
    model: str | None = None
    repo: str | None = None
    status: CallState | None = None
    since: float | None = None
    until: float | None = None
    order: CallOrder = CallOrder.TIME
    limit: int = 50
    cursor: str | None = None


def find_calls(tx: Transaction, caller: Caller, filter: CallFilter) -> Page[StoredCall]:
    """Raises BadRequest for a cursor of another list."""
    limit = clamp_limit(filter.limit)
    offset = _read_offset(filter)
    found = call_search.search(tx, _conditions(caller, filter), filter.order, offset, limit + 1)
    more = len(found) > limit and offset + limit < DEEPEST
    return Page(found[:limit], encode_cursor(str(filter.order), str(offset + limit)) if more else None)


def visible_calls(caller: Caller) -> list[sa.ColumnElement[bool]]:
    """What keeps a bound key to the calls of its repos."""
    if caller.repo_ids is None:
        return []
    return [call_search.of_repos(runs.c.repo_id.in_(sorted(caller.repo_ids)))]


def _conditions(caller: Caller, filter: CallFilter) -> Sequence[sa.ColumnElement[bool]]:
    wanted = visible_calls(caller)
    if filter.since is not None and filter.until is not None:
        wanted += call_search.in_range(filter.since, filter.until)
    if filter.run is not None:
        wanted.append(model_calls.c.run_id == filter.run)
    if filter.model is not None:
        wanted.append(model_calls.c.model == filter.model)
    if filter.repo is not None:
        column = runs.c.repo_id if is_id(filter.repo, "repo") else runs.c.repo_full_name
        wanted.append(call_search.of_repos(column == filter.repo))
    if filter.status is not None:
        whole = model_calls.c.fault.is_(None)
        wanted.append(whole if filter.status is CallState.OK else sa.not_(whole))
    return wanted


def _read_offset(filter: CallFilter) -> int:
    if filter.cursor is None:
        return 0
    order, offset = decode_name_cursor(filter.cursor)
    if order != filter.order or not (offset.isascii() and offset.isdigit() and len(offset) < 8):
        raise BadRequest("cursor is not one that this list gave. Leave it out to begin anew.")
    return min(int(offset), DEEPEST)
