"""Databases for this folder's tests."""

from tests.databases import *  # noqa: F403
