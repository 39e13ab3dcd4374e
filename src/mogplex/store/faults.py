"""Faults of the database, told as ours: what a caller may hear is ServiceUnavailable, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import exc

from mogplex.domain.errors import ServiceUnavailable

# Faults of a statement or its values, not of the database: they are bugs of ours and are not worth waiting for.
_OUR_FAULT = (exc.IntegrityError, exc.DataError, exc.ProgrammingError, exc.NotSupportedError)
_DISK_FULL = "53100"  # PostgreSQL's code for it
_NO_TABLE = "42P01"


@contextmanager
def told_as_ours(url: sa.URL) -> Iterator[None]:
    """Raises ServiceUnavailable for whatever keeps the database from answering."""
    try:
        yield
    except exc.TimeoutError as fault:
        raise ServiceUnavailable(f"The database is busy ({fault.args[0]}). Try again in a few seconds.") from fault
    except exc.DBAPIError as fault:
        if isinstance(fault, _OUR_FAULT) and not _lacks_tables(fault):
            raise
        raise ServiceUnavailable(explain(fault, url)) from fault


def is_passing(fault: BaseException) -> bool:
    """Whether the same write may succeed later: the database is away, locked or full."""
    return isinstance(fault, ServiceUnavailable)


def explain(fault: exc.DBAPIError, url: sa.URL) -> str:
    """One line for a caller: what is wrong and what to do. Never the statement, nor the password in the URL."""
    said = str(fault.orig).strip().split("\n")[0]
    shown = url.render_as_string(hide_password=True)
    if "disk is full" in said or _code_of(fault) == _DISK_FULL:
        return f"The disk is full: the database at {shown} could not be written. Free some space; nothing was changed."
    if "database is locked" in said or "database table is locked" in said:
        return "The database is locked by another process for too long. Try again in a few seconds."
    if _lacks_tables(fault):
        return f"The database at {shown} lacks tables or columns ({said}). Bring it up to date before you use it."
    return f"The database at {shown} cannot be used: {said}"


def _lacks_tables(fault: exc.DBAPIError) -> bool:
    return _code_of(fault) == _NO_TABLE or "no such table" in str(fault.orig)


def _code_of(fault: exc.DBAPIError) -> str | None:
    code = getattr(fault.orig, "sqlstate", None)
    return code if isinstance(code, str) else None
