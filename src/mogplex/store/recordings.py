"""The table of recorded model traffic: kept only for runs that asked for it."""

from __future__ import annotations

import sqlalchemy as sa

from mogplex.domain.model import ModelProtocol
from mogplex.domain.recording import RecordedCall
from mogplex.store.columns import storable
from mogplex.store.database import Transaction
from mogplex.store.model_tables import recordings


def insert(tx: Transaction, run_id: str, number: int, call: RecordedCall) -> None:
    row = {
        "run_id": run_id,
        "number": number,
        "protocol": str(call.protocol),
        "model": storable(call.model),
        "request": storable(call.request),
        "status": call.status,
        "content_type": storable(call.content_type),
        "answer": call.answer,
        "withheld": call.withheld,
        "created_at": tx.now,
    }
    tx.execute(recordings.insert(), row)


def select(tx: Transaction, run_id: str) -> list[RecordedCall]:
    """In the order in which the calls ended."""
    wanted = sa.select(recordings).where(recordings.c.run_id == run_id).order_by(recordings.c.number)
    return [
        RecordedCall(
            ModelProtocol(row.protocol),
            row.model,
            row.request,
            row.status,
            row.content_type,
            bytes(row.answer),
            row.withheld,
        )
        for row in tx.execute(wanted)
    ]


def count(tx: Transaction, run_id: str) -> int:
    wanted = sa.select(sa.func.count()).select_from(recordings).where(recordings.c.run_id == run_id)
    return int(tx.execute(wanted).scalar_one())


def last_number(tx: Transaction, run_id: str) -> int:
    """0 when there is none."""
    wanted = sa.select(sa.func.coalesce(sa.func.max(recordings.c.number), 0)).where(recordings.c.run_id == run_id)
    return int(tx.execute(wanted).scalar_one())
