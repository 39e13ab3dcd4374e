"""SQLite: one file, many readers, one writer at a time, every commit on disk before it is told."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

# Before this version `unixepoch('subsec')` is NULL, which the dispatcher's tables cannot take on Python 3.12 and later.
_SUBSECOND_UNIXEPOCH = (3, 42)


def path_of(url: sa.URL) -> Path:
    """The database file. Raises ValueError for an in-memory database, which no second connection could see."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ValueError(f"{url.render_as_string()!r} is no file: write sqlite:////absolute/path/to/mogplex.db")
    return Path(url.database)


def make_engine(url: sa.URL, pool_size: int, busy_timeout_seconds: float, *, durable: bool) -> sa.Engine:
    engine = sa.create_engine(
        url, pool_size=pool_size, max_overflow=pool_size, pool_timeout=busy_timeout_seconds, hide_parameters=True
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: Any) -> None:
        # The driver then begins a transaction before a change at the latest. We begin by hand, earlier; those who share
        # the engine (the dispatcher) count on it.
        connection.isolation_level = "IMMEDIATE"
        if sqlite3.sqlite_version_info < _SUBSECOND_UNIXEPOCH:
            connection.create_function("unixepoch", -1, _unixepoch)
        connection.execute(f"PRAGMA busy_timeout={int(busy_timeout_seconds * 1000)}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA journal_size_limit=67108864")  # 64 MiB: give the log's space back after a burst

    return engine


def use_write_ahead_log(path: Path) -> None:
    """Kept in the file, so once is enough. Call it with no other connection open the first time."""
    connection = sqlite3.connect(path, timeout=30.0)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _unixepoch(*arguments: object) -> float | int:
    return time.time() if "subsec" in arguments or "subsecond" in arguments else int(time.time())
