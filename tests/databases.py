"""Databases for tests: SQLite files and a PostgreSQL server of our own, each test with a fresh, migrated one.

Used as a plugin: a room's conftest says `pytest_plugins`-like `from tests.databases import *`.
"""

from __future__ import annotations

import functools
import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from mogplex.store.database import Database
from mogplex.store.migrations import current_revision, head_revision, upgrade
from mogplex.store.schema import metadata

__all__ = [
    "backend",
    "database",
    "database_url",
    "postgres_server",
    "postgresql_lender",
    "sqlite_lender",
    "sqlite_template",
]

BACKENDS = ("sqlite", "postgresql")
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 << 30  # as much must be free there for all workers of a test run
MISSING = "PostgreSQL is not installed; install it with: apt-get install postgresql (or set DATABASE_URL)"


def find_binaries() -> Path | None:
    """The folder of the newest PostgreSQL server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def _as_server_user() -> dict[str, object]:
    """PostgreSQL refuses to run as root: become `postgres` then."""
    if os.getuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def quick_folder() -> Path | None:
    """Where files of databases are kept in memory, if there is room: what they hold outlives no test."""
    try:
        facts = os.statvfs(MEMORY)
    except OSError:
        return None
    has_room = facts.f_bavail * facts.f_frsize >= MEMORY_BYTES
    return MEMORY if has_room and os.access(MEMORY, os.W_OK) else None


class PostgresServer:
    """A server with a template database that holds our tables."""

    def __init__(self, admin_url: sa.URL) -> None:
        self.admin_url = admin_url
        self.template = f"mogplex_template_{uuid.uuid4().hex[:12]}"
        self._admin = sa.create_engine(
            admin_url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        self.execute(f'CREATE DATABASE "{self.template}"')
        database = Database(self.url_of(self.template))
        upgrade(database)
        database.close()

    def execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(statement)

    def url_of(self, name: str) -> str:
        return self.admin_url.set(database=name).render_as_string(hide_password=False)

    def create(self, *, empty: bool = False) -> str:
        """The name of a fresh database, with our tables unless `empty`."""
        name = f"mogplex_test_{uuid.uuid4().hex[:12]}"
        template = "" if empty else f' TEMPLATE "{self.template}"'
        self.execute(f'CREATE DATABASE "{name}"{template}')
        return name

    def close(self) -> None:
        self.drop(self.template)

    def drop(self, name: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server that DATABASE_URL names, else one started here, in a folder of its own, and stopped at the end."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        server = PostgresServer(sa.make_url(given))
        yield server
        server.close()
        return
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(MISSING)
    try:
        account = _as_server_user()
    except KeyError:
        pytest.skip("PostgreSQL will not run as root, and there is no user 'postgres'; install Debian's postgresql")
    with tempfile.TemporaryDirectory(prefix="mogplex-pg-", dir=quick_folder()) as folder:
        home = Path(folder)
        if account:
            os.chown(home, account["user"], account["group"])  # type: ignore[arg-type]
        data = home / "data"
        name = "postgres" if account else getpass.getuser()
        subprocess.run(
            [binaries / "initdb", "-D", data, "-A", "trust", "-U", name, "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home, timeout=60, **account,  # type: ignore[call-overload]
        )  # fmt: skip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = (home / "log").open("wb")
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1",
             "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200",
             "-c", "max_wal_size=96MB", "-c", "min_wal_size=32MB"],
            stdout=log, stderr=log, cwd=home, **account,  # type: ignore[call-overload]
        )  # fmt: skip
        try:
            admin_url = sa.make_url(f"postgresql://{name}@127.0.0.1:{port}/postgres")
            _await_server(admin_url, process, home / "log")
            yield PostgresServer(admin_url)
        finally:
            process.send_signal(signal.SIGQUIT)  # at once; nothing in it is worth keeping
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            log.close()


def _await_server(url: sa.URL, process: subprocess.Popen[bytes], log: Path) -> None:
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    deadline = time.monotonic() + 30
    while True:
        try:
            with engine.connect():
                return
        except sa.exc.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.05)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


class Lender:
    """Open databases with our tables and no rows, given to one test after the other.

    One that stays open keeps its compiled statements, which costs less than half of a new one for each test.
    """

    def __init__(self, make: Callable[[], Database]) -> None:
        self._make = make
        self._idle: list[Database] = []

    def lend(self) -> Database:
        return self._idle.pop() if self._idle else self._make()

    def take_back(self, database: Database) -> None:
        """Empty it for the next test, unless its tables are not what they were."""
        if current_revision(database) == _newest_revision():
            empty(database)
            self._idle.append(database)
        else:
            database.close()

    def close(self) -> None:
        for database in self._idle:
            database.close()


@functools.cache
def _newest_revision() -> str | None:
    return head_revision()  # which imports every migration


def empty(database: Database) -> None:
    """Delete every row of ours."""
    with database.write() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(table.delete())


@pytest.fixture(scope="session")
def sqlite_lender(sqlite_template: Path) -> Iterator[Lender]:
    with tempfile.TemporaryDirectory(prefix="mogplex-lent-", dir=quick_folder()) as folder:

        def make() -> Database:
            path = Path(folder, f"{uuid.uuid4().hex}.db")
            shutil.copy(sqlite_template, path)
            return Database(f"sqlite:///{path}")

        lender = Lender(make)
        yield lender
        lender.close()


@pytest.fixture(scope="session")
def postgresql_lender(postgres_server: PostgresServer) -> Iterator[Lender]:
    lender = Lender(lambda: Database(postgres_server.url_of(postgres_server.create())))
    yield lender
    lender.close()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database(backend: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with our tables and no rows."""
    lender: Lender = request.getfixturevalue(f"{backend}_lender")
    lent = lender.lend()
    yield lent
    lender.take_back(lent)


@pytest.fixture
def database_url(database: Database) -> str:
    """The URL of `database`, for those who open it anew."""
    return database.url.render_as_string(hide_password=False)
