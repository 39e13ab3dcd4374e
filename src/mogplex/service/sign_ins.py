"""Sign-ins that were refused, counted: guessing keys makes a number grow, never a table."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter

from mogplex.domain.access import Origin
from mogplex.domain.audit import Action
from mogplex.domain.errors import ServiceUnavailable
from mogplex.store import audit as audit_table
from mogplex.store.database import Database

FLUSH_SECONDS = 10.0
WINDOW_SECONDS = 3600.0  # refusals of one kind from one address within it are one entry
MOST_SOURCES = 1000  # that are told apart in one window
OTHERS = "others"
_log = logging.getLogger(__name__)

Source = tuple[str | None, str, str | None]  # address, what was wrong, the key if it is one of ours


class SignIns:
    """Thread-safe. What was counted since the last flush is lost when the process is killed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._pending: Counter[Source] = Counter()
        self._sources: set[Source] = set()
        self._window_began = self._flushed = float("-inf")

    def refused(self, origin: Origin | None, reason: str, key_id: str | None) -> None:
        """Count one, and write at most every 10 s."""
        now = time.monotonic()
        source: Source = (origin.address if origin else None, reason, key_id)
        with self._lock:
            if now - self._window_began > WINDOW_SECONDS:
                self._window_began = now
                self._sources.clear()
            if source not in self._sources and len(self._sources) >= MOST_SOURCES:
                source = (OTHERS, reason, None)
            self._sources.add(source)
            self._pending[source] += 1
            due = now - self._flushed > FLUSH_SECONDS
        if due:
            self.flush()

    def flush(self) -> None:
        """Write what was counted. Kept for later when the database is away."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
            self._flushed = time.monotonic()
        if not pending:
            return
        try:
            with self._database.write(durable=False) as tx:
                tx.take_turn("sign-ins")
                for (address, reason, key_id), count in pending.items():
                    values = {"address": address, "key_id": key_id}
                    since = tx.now - WINDOW_SECONDS
                    audit_table.count_up(tx, Action.SIGN_IN_REFUSED, reason, since, count, values)
        except ServiceUnavailable as fault:
            _log.warning("Refused sign-ins could not be written down: %s", fault.message)
            with self._lock:
                self._pending.update(pending)
