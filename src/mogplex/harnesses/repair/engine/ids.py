"""Ids of tests, which are not always the same in two runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

Found = TypeVar("Found")


def stand_in(test: str, known: Collection[str], found: Mapping[str, Found]) -> Found | None:
    """What is found now of a test whose id was another one then: the time of day may be a part of it."""
    function = test.split("[")[0]
    return next((one for name, one in found.items() if name.startswith(f"{function}[") and name not in known), None)
