"""Which rows name which blobs, whatever their table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from mogplex.store.database import Transaction
from mogplex.store.schema import run_checks, run_patches, sandboxes

_TABLES = (run_patches, run_checks, sandboxes)


def named_among(tx: Transaction, digests: Sequence[str]) -> set[str]:
    """Those of `digests` that some row names."""
    return {
        digest
        for table in _TABLES
        for digest in tx.execute(sa.select(table.c.blob).where(table.c.blob.in_(digests))).scalars()
        if digest is not None
    }


def all_named(tx: Transaction) -> list[str]:
    """Each once, in order."""
    named = {
        digest
        for table in _TABLES
        for digest in tx.execute(sa.select(table.c.blob).where(table.c.blob.is_not(None)).distinct()).scalars()
        if digest is not None
    }
    return sorted(named)


def put_in_rows(tx: Transaction, digest: str, content: bytes) -> None:
    """Write `content` into the rows that name it, in place of the name: for a database without a blob store."""
    text = content.decode("utf-8", "replace")
    patch = run_patches.update().where(run_patches.c.blob == digest)
    tx.execute(patch.values(diff=content, blob=None))
    tx.execute(sandboxes.update().where(sandboxes.c.blob == digest).values(log=text, blob=None))
    for row in tx.execute(sa.select(run_checks.c.id, run_checks.c.record).where(run_checks.c.blob == digest)).all():
        change = run_checks.update().where(run_checks.c.id == row.id)
        tx.execute(change.values(record={**row.record, "output": text}, blob=None))
