"""One house per module where tests don't disturb each other, one per test where they kill it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.house import House


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A running server shared by the tests of a module."""
    shared = House()
    try:
        yield shared.start()
    finally:
        shared.close()


@pytest.fixture
def fragile() -> Iterator[House]:
    """A server of one's own, not yet started."""
    own = House()
    try:
        yield own
    finally:
        own.close()
