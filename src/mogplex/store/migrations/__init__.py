"""Bringing a database up to date. Safe when several processes do it at once."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from mogplex.domain.errors import ServiceUnavailable
from mogplex.store import postgres, sqlite
from mogplex.store.database import Database
from mogplex.store.faults import told_as_ours

VERSION_TABLE = "schema_version"


def upgrade(database: Database, revision: str = "head") -> None:
    """Create or change the tables as this version (or `revision`) needs them; all or nothing. Makes the file and its
    folder.

    Raises ServiceUnavailable when the database cannot be reached, or was made by a newer version of the program.
    """
    if database.path is not None:
        _prepare_file(database.path)
    with told_as_ours(database.url), database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the others wait here, and then have nothing to do
        else:
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # a long migration elsewhere is worth waiting for
            connection.execute(postgres.ALLOW_PAUSES)
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1836020592, 0)")
        _refuse_newer(connection)
        command.upgrade(_config(connection), revision)
        connection.commit()


def require_current(database: Database) -> None:
    """Raises ServiceUnavailable that says what to type when the tables are not those that this version needs."""
    found, needed = current_revision(database), head_revision()
    if found == needed:
        return
    with told_as_ours(database.url), database.engine.connect() as connection:
        _refuse_newer(connection)
    state = "has no tables yet" if found is None else f"has the tables of revision {found}"
    raise ServiceUnavailable(
        f"The database {state}, and this version of mogplex needs {needed}. Type `mogplex db upgrade` "
        "(make a backup first), or set MOGPLEX_AUTO_UPGRADE=on."
    )


def current_revision(database: Database) -> str | None:
    """None for a database without tables."""
    with told_as_ours(database.url), database.engine.connect() as connection:
        return _revision_of(connection)


def head_revision() -> str:
    """What this version of the program needs."""
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert head is not None  # the package ships its migrations
    return head


def _refuse_newer(connection: sa.Connection) -> None:
    found = _revision_of(connection)
    known = {each.revision for each in ScriptDirectory.from_config(_config(None)).walk_revisions()}
    if found is not None and found not in known:
        raise ServiceUnavailable(
            f"The database was made by a newer version of mogplex (its tables are at {found!r}). "
            "Install that version or a later one."
        )


def _revision_of(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _config(connection: sa.Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _prepare_file(path: Path) -> None:
    """The folder, the file (for its owner only: it holds environments), and its journal mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone_in(path.parent):
            if not path.exists():
                path.touch(mode=0o600)
            sqlite.use_write_ahead_log(path)
    except (OSError, sqlite3.Error) as fault:
        raise ServiceUnavailable(f"The database file {path} cannot be made: {fault}") from fault


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """The journal mode is changed without waiting for others, so let one process at a time do it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
