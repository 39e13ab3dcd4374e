"""Failing tests that fail another way when one process runs them again: what the first run left behind would make the
second one fail with the right edit, too, unless they only fail another way each time."""

from __future__ import annotations

from typing import Any

UNSTEADY = "unsteady"  # leaves something behind: each edit needs a process of its own
RANDOM = "random"  # its message is never the same: times, what it draws
UNTRIED = "untried"  # the outcome of an edit that no steady test is left to screen


def unsteady(first: list[Any], second: list[Any] | None) -> dict[str, Any]:
    """What a process tells of such a test: how it failed there, then again; None when it passed then."""
    return {UNSTEADY: [first, second]}


def is_unsteady(told: Any) -> bool:
    return told == UNSTEADY or isinstance(told, dict)


def judge(earlier: dict[str, Any], later: Any) -> str:
    """UNSTEADY or RANDOM, from what two processes tell, of which the first found it unsteady.

    Both begin alike: a test that leaves something behind fails alike in both, the first time.
    """
    if not isinstance(later, dict):
        return RANDOM
    first, second = earlier[UNSTEADY]
    other = later[UNSTEADY][0]
    if second is None or _where(first) != _where(second):
        return UNSTEADY if _where(first) == _where(other) else RANDOM
    return UNSTEADY if first == other else RANDOM


def _where(record: list[Any]) -> list[Any]:
    kind, _, line, place = record[:4]
    return [kind, line, place]
