"""What can be done with the database alone, when nobody can come in through a door any more."""

from __future__ import annotations

from mogplex.domain.errors import NotFound
from mogplex.service.keys import Keys
from mogplex.service.sign_ins import SignIns
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.store.migrations import current_revision, upgrade


def reset_admin(settings: Settings) -> str:
    """The secret of a new admin key. A server may be running on the database meanwhile.

    Raises NotFound where no server has ever been, ServiceUnavailable when the database cannot be opened.
    """
    database = Database(settings.database)
    try:
        if (database.path is not None and not database.path.exists()) or current_revision(database) is None:
            raise NotFound(
                f"There is no Mogplex database at {settings.home if database.path else 'MOGPLEX_DATABASE_URL'} yet. "
                "Start a server first: mogplex serve makes a first admin key."
            )
        upgrade(database)
        return Keys(database, SignIns(database)).reset_admin()
    finally:
        database.close()
