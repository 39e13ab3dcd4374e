"""Export and import: the database that the settings name, into a file and out of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import mogplex
from mogplex.domain.errors import BadRequest, NotFound
from mogplex.home import Home
from mogplex.offers import Offers
from mogplex.service.events import EventHub
from mogplex.service.known_secrets import KnownSecrets
from mogplex.service.moving import Moved, export_database, import_database
from mogplex.service.vault import Vault
from mogplex.service.workers import Workers
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.store.migrations import head_revision, require_current, upgrade
from mogplex.wiring.adapters import make_blobs


def export(settings: Settings, path: Path, *, running: bool) -> Moved:
    """All of the database to a new file. With `running` a server may go on; what happens meanwhile is not in the file.

    Raises Conflict when the SQLite file is in use, NotFound where there is none, BadRequest for `path`.
    """
    database = Database(settings.database)
    if database.path is not None and not database.path.exists():
        raise NotFound(f"There is no database at {database.path}. Set MOGPLEX_HOME or give --database-url.")
    with _alone(settings, database, "mogplex db export", needed=not running):
        require_current(database)
        return export_database(database, make_blobs(settings), path, head_revision(), mogplex.__version__)


def take_in(settings: Settings, path: Path) -> Moved:
    """All of the file into the database, which must be empty; its tables are made.

    Raises Conflict when it is not empty or in use, BadRequest for a file that can't be used.
    """
    if not path.is_file():
        raise BadRequest(f"There is no file {path} to import.")
    Home(settings).prepare()
    database = Database(settings.database)
    with _alone(settings, database, "mogplex db import", needed=True):
        upgrade(database)
        workers = Workers(
            database,
            EventHub(),
            KnownSecrets(Offers.build(settings).open_sanitiser(), _no_vault()),
            max_attempts=settings.max_attempts,
        )
        return import_database(database, make_blobs(settings), path, head_revision(), workers)


def _no_vault() -> Vault:
    """Nothing is opened here, and the key of the old installation may not have come yet: so none is made."""
    return Vault([Vault.generate_key()])


@contextmanager
def _alone(settings: Settings, database: Database, holder: str, *, needed: bool) -> Iterator[None]:
    with ExitStack() as held:
        held.callback(database.close)
        if needed:
            held.enter_context(Home(settings).alone(holder, database.path))
        yield
