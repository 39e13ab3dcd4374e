"""A door for each test, as the API's tests have it."""

from __future__ import annotations

from tests.api.conftest import database, door, open_door
from tests.databases import sqlite_template

__all__ = ["database", "door", "open_door", "sqlite_template"]
