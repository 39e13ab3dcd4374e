"""Pages of a list, and the opaque cursors between them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mogplex.domain.errors import BadRequest

MAX_PAGE = 200
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """`next_cursor` is None on the last page."""

    items: list[Item]
    next_cursor: str | None


def clamp_limit(limit: int, most: int = MAX_PAGE) -> int:
    """Raises BadRequest for a limit that is no count; a large one becomes `most`."""
    if limit < 1:
        raise BadRequest(f"limit must be at least 1, not {limit}.")
    return min(limit, most)


def cut(found: Sequence[Item], limit: int, place_of: Callable[[Item], tuple[float | str, str]]) -> Page[Item]:
    """A page from `limit` + 1 found items; `place_of` gives what the order goes by, the id last."""
    items = list(found[:limit])
    cursor = encode_cursor(*place_of(items[-1])) if len(found) > limit else None
    return Page(items, cursor)


def encode_cursor(place: float | str, identity: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([place, identity]).encode()).decode().rstrip("=")


def decode_time_cursor(cursor: str) -> tuple[float, str]:
    """Raises BadRequest."""
    place, identity = _decode(cursor)
    if isinstance(place, bool) or not isinstance(place, int | float):
        raise _refusal(cursor)
    return float(place), identity


def decode_name_cursor(cursor: str) -> tuple[str, str]:
    """Raises BadRequest."""
    place, identity = _decode(cursor)
    if not isinstance(place, str):
        raise _refusal(cursor)
    return place, identity


def _decode(cursor: str) -> tuple[object, str]:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place, identity = decoded
    except (ValueError, TypeError) as fault:
        raise _refusal(cursor) from fault
    if not isinstance(identity, str) or "\x00" in f"{place}{identity}":
        raise _refusal(cursor)
    return place, identity


def _refusal(cursor: str) -> BadRequest:
    return BadRequest(f"cursor {cursor[:60]!r} is not one that this list gave. Leave it out to begin anew.")
