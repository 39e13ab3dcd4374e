"""The door to the database: transactions with one fixed time, on SQLite or PostgreSQL, and faults told as ours."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from mogplex.domain.errors import BadRequest, ServiceUnavailable
from mogplex.store import postgres, sqlite
from mogplex.store.faults import told_as_ours

Clock = Callable[[], float]


class Transaction:
    """An open transaction. `now` is read from the database's clock once, when first asked for, and then stays."""

    __slots__ = ("_clock", "_now", "connection", "is_sqlite")

    def __init__(self, connection: sa.Connection, clock: Clock | None, is_sqlite: bool) -> None:
        self.connection = connection
        self.is_sqlite = is_sqlite
        self._clock = clock
        self._now: float | None = None

    @property
    def now(self) -> float:
        """Seconds since 1970, UTC."""
        if self._now is None:
            if self._clock is not None:
                self._now = self._clock()
            elif self.is_sqlite:
                self._now = time.time()  # the library runs in this process: its clock is ours
            else:
                self._now = float(self.connection.execute(postgres.CLOCK).scalar_one())
        return self._now

    def execute(self, statement: Any, parameters: Any = None) -> sa.CursorResult[*tuple[Any, ...]]:
        return self.connection.execute(statement, parameters)

    def allow_pauses(self) -> None:
        """Let it stay open while nothing is asked of the database for long: it reads or writes files, say.

        Others are not told of locks that it takes meanwhile, so it had better take none that anybody waits for.
        """
        if not self.is_sqlite:
            self.connection.execute(postgres.ALLOW_PAUSES)

    def take_turn(self, name: str) -> None:
        """Let one transaction at a time pass this point until it ends. SQLite has one writer anyway."""
        if not self.is_sqlite:
            self.connection.execute(postgres.TAKE_TURN, {"key": zlib.crc32(name.encode())})


def _parse(url: str) -> sa.URL:
    wanted = "Write sqlite:////absolute/path or postgresql://user:password@host/name."
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as fault:
        # It is not repeated: a mistyped URL may hold a password where nothing would find it.
        raise BadRequest(f"MOGPLEX_DATABASE_URL or --database-url is no URL. {wanted}") from fault
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise BadRequest(f"The database {parsed.render_as_string(hide_password=True)} can't be used. {wanted}")
    return parsed


class Database:
    """One database. Thread-safe; a transaction belongs to the thread that opened it.

    `engine` is the SQLAlchemy engine with full durability; the dispatcher shares it, so that our rows and its queue
    entry appear together.
    """

    def __init__(
        self, url: str, *, clock: Clock | None = None, pool_size: int = 20, busy_timeout_seconds: float = 10.0
    ) -> None:
        """`url`: `sqlite:////absolute/path` or `postgresql://…`; BadRequest for any other. `clock` replaces the
        database's own, for tests. `busy_timeout_seconds`: a lock is waited for so long, and PostgreSQL ends a
        transaction in which its client is silent so long."""
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.path: Path | None = None
        self._file: tuple[int, int] | None = None  # which file it was when it was first seen
        self._clock = clock
        self._busy_timeout_seconds = busy_timeout_seconds
        # SQLite lets writers in by chance and makes them poll; within one process a lock is fair and wakes at once.
        self._sole_writer = threading.Lock()
        if self.is_sqlite:
            self.path = sqlite.path_of(self.url)
            self.engine = sqlite.make_engine(self.url, pool_size, busy_timeout_seconds, durable=True)
            self._quick_engine = sqlite.make_engine(self.url, pool_size, busy_timeout_seconds, durable=False)
            self._reading_engine = self.engine
        else:
            self.engine = postgres.make_engine(self.url, pool_size, busy_timeout_seconds)
            self._quick_engine = self.engine
            # One snapshot for all statements of a read, so that a page and its run agree with each other.
            self._reading_engine = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one state of the database throughout. Raises ServiceUnavailable."""
        self._require_file()
        with told_as_ours(self.url), self._reading_engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            yield Transaction(connection, self._clock, self.is_sqlite)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Transaction]:
        """A transaction that is committed at the end, or rolled back when anything is raised.

        With `durable=False` a power cut may undo it (it never breaks the file): for what is worth no disk flush.
        Raises ServiceUnavailable when the database cannot be reached, is locked too long or its disk is full; then
        nothing was written.
        """
        self._require_file()
        engine = self.engine if durable else self._quick_engine
        with told_as_ours(self.url), self._turn(), engine.connect() as connection:
            if self.is_sqlite:
                # At once, because a read lock that is to be raised later fails instead of waiting.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif not durable:
                connection.execute(postgres.NOT_DURABLE)
            yield Transaction(connection, self._clock, self.is_sqlite)
            connection.commit()

    def is_reachable(self) -> bool:
        """Whether a read works now."""
        try:
            with self.read() as tx:
                tx.execute(sa.select(1))
        except ServiceUnavailable:
            return False
        return True

    def close(self) -> None:
        self.engine.dispose()
        self._quick_engine.dispose()

    def _require_file(self) -> None:
        """An open file that was removed can still be written, and all of it would be lost without a word."""
        if self.path is None:
            return
        try:
            found = self.path.stat()
        except OSError:
            identity = None
        else:
            identity = found.st_dev, found.st_ino
        if self._file is None:
            self._file = identity
        elif self._file != identity:
            raise ServiceUnavailable(
                f"The database file {self.path} was removed or replaced while in use. Put it back, or start again."
            )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._sole_writer.acquire(timeout=self._busy_timeout_seconds):
            raise exc.TimeoutError(f"no turn to write within {self._busy_timeout_seconds:g} s")
        try:
            yield
        finally:
            self._sole_writer.release()
