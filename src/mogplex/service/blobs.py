"""Large values: in their row while they are small, else in the blob store, under the name of their content.

A blob is written before the row that names it is committed, and removed only when no row has named it for a day.
"""

from __future__ import annotations

import logging

from mogplex.domain.blob import INLINE_BYTES, BlobStore, LargeText, LargeValue, shorten
from mogplex.domain.errors import ServiceUnavailable
from mogplex.store import blob_names
from mogplex.store.database import Database

# A blob may be older than the commit of the row that names it by as long as a worker waits for the database.
ORPHAN_SECONDS = 86400.0
SWEEP_PAGE = 500

_log = logging.getLogger(__name__)


class Blobs:
    """Without a store everything stays in its row."""

    def __init__(self, store: BlobStore | None = None) -> None:
        self.store = store

    def keep(self, content: bytes) -> LargeValue:
        """What to write into the row. Call it before the transaction. Raises ServiceUnavailable."""
        if self.store is None or len(content) <= INLINE_BYTES:
            return LargeValue(content)
        return LargeValue(blob=self.store.put(content))

    def keep_text(self, text: str) -> LargeText:
        """The same for logs: no result hangs on them, so without a store, or while it is away, only a part is kept."""
        short = shorten(text)
        if self.store is None or short == text:
            return LargeText(short)
        try:
            return LargeText(short, self.store.put(text.encode()))
        except ServiceUnavailable as fault:
            _log.warning("only a part of a log is kept: %s", fault.message)
            return LargeText(short)

    def read_text(self, value: LargeText) -> str:
        """All that was kept. Raises ServiceUnavailable, as `read` does."""
        return value.text if value.blob is None else self.read(LargeValue(blob=value.blob)).decode()

    def read(self, value: LargeValue) -> bytes:
        """All of it. Call it outside of a transaction. Raises ServiceUnavailable; never gives less than there was."""
        if value.blob is None:
            return value.content
        if self.store is None:
            raise ServiceUnavailable(
                f"The content lies in a blob store ({value.blob[:12]}…), and MOGPLEX_BLOBS_URL names none here."
            )
        return self.store.get(value.blob)

    def sweep(self, database: Database, *, dry_run: bool = False) -> int:
        """How many blobs were (or would be) removed, since no row names them. Raises ServiceUnavailable."""
        if self.store is None:
            return 0
        with database.read() as tx:
            before = tx.now - ORPHAN_SECONDS
        old = [entry.digest for entry in self.store.list() if entry.modified_at < before]
        count = 0
        for start in range(0, len(old), SWEEP_PAGE):
            page = old[start : start + SWEEP_PAGE]
            with database.read() as tx:
                named = blob_names.named_among(tx, page)
            for digest in page:
                if digest not in named:
                    count += 1
                    if not dry_run:
                        self.store.remove(digest)
        return count
