"""The table of events: written once, in order, never changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mogplex.domain.event import Event, EventDraft, EventType
from mogplex.store.columns import encode, storable
from mogplex.store.database import Transaction
from mogplex.store.schema import run_events

_COLUMNS = (
    run_events.c.run_id,
    run_events.c.seq,
    run_events.c.type,
    run_events.c.message,
    run_events.c.tool_name,
    run_events.c.payload,
    run_events.c.created_at,
    run_events.c.attempt,
)


def encode_draft(draft: EventDraft) -> dict[str, Any]:
    """The columns that do not depend on the event's number. Raises TypeError for a payload that is no JSON."""
    return {
        "type": str(draft.type),
        "message": None if draft.message is None else storable(draft.message),
        "tool_name": None if draft.tool_name is None else storable(draft.tool_name),
        "payload": encode(dict(draft.payload)),
        "raw": None if draft.raw is None else storable(draft.raw),
    }


def append(tx: Transaction, run_id: str, last_seq: int, attempt: int, drafts: Sequence[EventDraft]) -> None:
    """Write `drafts` under the numbers that were taken for them, the last of which is `last_seq`."""
    first = last_seq - len(drafts) + 1
    insert_rows(
        tx,
        [
            {"run_id": run_id, "seq": first + place, "attempt": attempt, "created_at": tx.now, **encode_draft(draft)}
            for place, draft in enumerate(drafts)
        ],
    )


def insert_rows(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        tx.execute(run_events.insert(), rows)


def hold(tx: Transaction, run_id: str, last_seq: int, attempt: int, rows: Sequence[dict[str, Any]]) -> bool:
    """Whether exactly these encoded drafts of this attempt stand under the numbers up to `last_seq`."""
    names = ("type", "message", "tool_name", "payload")
    wanted = sa.select(*(run_events.c[name] for name in names)).where(
        run_events.c.run_id == run_id,
        run_events.c.attempt == attempt,
        run_events.c.seq > last_seq - len(rows),
        run_events.c.seq <= last_seq,
    )
    found = [tuple(row) for row in tx.execute(wanted.order_by(run_events.c.seq))]
    return found == [tuple(row[name] for name in names) for row in rows]


def since(
    tx: Transaction,
    run_id: str,
    after: int,
    limit: int,
    attempt: int | None = None,
    *,
    raw: bool = False,
    types: Sequence[EventType] = (),
) -> list[Event]:
    """Up to `limit` events with a number above `after`, in order; of one attempt or some types only, if asked for.

    Without `raw` the lines behind them, which may be long, are not read.
    """
    columns = (*_COLUMNS, run_events.c.raw) if raw else _COLUMNS
    wanted = sa.select(*columns).where(run_events.c.run_id == run_id, run_events.c.seq > after)
    if attempt is not None:
        wanted = wanted.where(run_events.c.attempt == attempt)
    if types:
        wanted = wanted.where(run_events.c.type.in_(types))
    return [_event_of(row) for row in tx.execute(wanted.order_by(run_events.c.seq).limit(limit))]


def _event_of(row: Sequence[Any]) -> Event:
    run_id, seq, kind, message, tool_name, payload, created_at, attempt, *raw = row
    return Event(run_id, seq, EventType(kind), message, tool_name, json.loads(payload), created_at, attempt, *raw)
