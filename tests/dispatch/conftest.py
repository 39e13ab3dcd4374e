"""Databases for this folder's tests."""

from tests.databases import *  # noqa: F403  # its fixtures, by their names
