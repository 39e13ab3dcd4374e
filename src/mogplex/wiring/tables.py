"""The tables of a database: which they are, and bringing them up to date, ours and the dispatcher's."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from mogplex.dispatch.dbos_dispatcher import prepare_tables
from mogplex.home import Home
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.store.migrations import current_revision, head_revision, require_current, upgrade


@dataclass(frozen=True, slots=True)
class TableState:
    """`current`: the revision that the tables have, None where there are none; `needed`: that of this version."""

    database: str  # its URL without a password
    current: str | None
    needed: str

    @property
    def up_to_date(self) -> bool:
        return self.current == self.needed


def table_state(settings: Settings) -> TableState:
    """Changes nothing, and makes no file. Raises ServiceUnavailable when the database can't be opened."""
    with closing(Database(settings.database)) as database:
        return _state_of(database)


def upgrade_tables(settings: Settings) -> tuple[TableState, TableState]:
    """How it was and how it is now. Any number of processes may do it at once.

    Raises Conflict when the server of an older version has the SQLite file, ServiceUnavailable when the database can't
    be reached or was made by a newer version.
    """
    home = Home(settings)
    with closing(Database(settings.database)) as database:
        before = _state_of(database)
        if not database.is_sqlite:
            upgrade(database)
            prepare_tables(database.engine, settings.database)
        elif not before.up_to_date:
            home.prepare()
            with home.alone("mogplex db upgrade", database.path):
                upgrade(database)
        return before, _state_of(database)


def make_ready(settings: Settings, database: Database) -> None:
    """What a server or worker does before anything else; on SQLite it has the file for itself then.

    Raises ServiceUnavailable, with what to type, for an old PostgreSQL database that is not to be upgraded at start.
    """
    if not database.is_sqlite and not settings.auto_upgrade:
        require_current(database)
        return
    upgrade(database)
    prepare_tables(database.engine, settings.database)


def _state_of(database: Database) -> TableState:
    is_there = database.path is None or database.path.exists()
    current = current_revision(database) if is_there else None
    return TableState(database.url.render_as_string(hide_password=True), current, head_revision())
