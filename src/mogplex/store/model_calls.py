"""The table of model calls: a row an answer, written in one transaction with its event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallFault, CallTotals, ModelCall, StoredCall
from mogplex.domain.usage import Usage
from mogplex.store.columns import storable
from mogplex.store.database import Transaction
from mogplex.store.model_tables import model_calls

_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
COLUMNS = tuple(model_calls.c[name] for name in model_calls.c.keys())  # noqa: SIM118 - a column collection, no mapping


def encode_call(call: ModelCall, api_key_id: str) -> dict[str, Any]:
    """The columns that do not depend on the event's number."""
    return {
        "api_key_id": api_key_id,
        "provider": storable(call.provider),
        "model": storable(call.model),
        "protocol": str(call.protocol),
        **{name: getattr(call.usage, name) for name in _TOKENS},
        "estimated": call.estimated,
        "cost_usd": call.cost_usd,
        "duration_ms": call.duration_ms,
        "ttft_ms": call.ttft_ms,
        "http_status": call.http_status,
        "fault": None if call.fault is None else str(call.fault),
        "detail": storable(call.detail),
        "retries": call.retries,
        "request_id": None if call.request_id is None else storable(call.request_id),
        "streamed": call.streamed,
    }


def insert_rows(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        tx.execute(model_calls.insert(), rows)


def select(tx: Transaction, run_id: str, after: int, limit: int) -> list[StoredCall]:
    """Up to `limit` calls of a run whose event has a number above `after`, in order."""
    wanted = sa.select(*COLUMNS).where(model_calls.c.run_id == run_id, model_calls.c.seq > after)
    return [call_of(row) for row in tx.execute(wanted.order_by(model_calls.c.seq).limit(limit))]


def total(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> CallTotals:
    """The sums over the calls that meet `conditions`."""
    sums = [sa.func.coalesce(sa.func.sum(model_calls.c[name]), 0) for name in _TOKENS]
    cost = model_calls.c.cost_usd
    wanted = sa.select(
        *sums, sa.func.count(), sa.func.coalesce(sa.func.sum(cost), 0.0), sa.func.count() - sa.func.count(cost)
    )
    *tokens, calls, cost_usd, unpriced = tx.execute(wanted.where(*conditions)).one()
    usage = Usage(**{name: int(value) for name, value in zip(_TOKENS, tokens, strict=True)}, model_calls=int(calls))
    return CallTotals(usage, round(float(cost_usd), 9), int(unpriced))


def total_of_run(tx: Transaction, run_id: str) -> CallTotals:
    return total(tx, model_calls.c.run_id == run_id)


def call_of(row: Any) -> StoredCall:
    call = ModelCall(
        provider=row.provider,
        model=row.model,
        protocol=ModelProtocol(row.protocol),
        usage=Usage(**{name: getattr(row, name) for name in _TOKENS}, model_calls=1),
        cost_usd=row.cost_usd,
        duration_ms=row.duration_ms,
        ttft_ms=row.ttft_ms,
        http_status=row.http_status,
        fault=None if row.fault is None else CallFault(row.fault),
        detail=row.detail,
        retries=row.retries,
        request_id=row.request_id,
        estimated=row.estimated,
        streamed=row.streamed,
    )
    return StoredCall(row.run_id, row.seq, row.attempt, row.created_at, call)
