"""A run's model traffic as it is kept for a replay, and how two requests differ. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mogplex.domain.model import ModelProtocol

MAX_DIFFERENCES = 5  # told of one request
_AROUND_CHARACTERS = 40
# Of one run only: they say nothing about what is asked.
_OF_ONE_RUN = frozenset({"metadata", "client_metadata", "prompt_cache_key", "user", "safety_identifier"})


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call: the request's body and the answer's, with nothing secret in them.

    `withheld`: the answer was not kept, because something secret was spread over the pieces of it.
    """

    protocol: ModelProtocol
    model: str
    request: str
    status: int
    content_type: str
    answer: bytes
    withheld: bool = False


def compare_requests(then: str, now: str) -> list[str]:
    """Where the second request differs from the first, at most MAX_DIFFERENCES lines; empty when nothing matters."""
    try:
        found = _differences(_plain(json.loads(then)), _plain(json.loads(now)), "")
    except ValueError:
        return [] if then == now else ["the body"]
    told: list[str] = []
    for line in found:
        if len(told) == MAX_DIFFERENCES:
            return [*told, "and more"]
        told.append(line)
    return told


def _plain(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if name not in _OF_ONE_RUN}


def _differences(then: Any, now: Any, place: str) -> Iterator[str]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys([*then, *now]):
            where = f"{place}.{name}" if place else str(name)
            if name not in now:
                yield f"{where} is gone"
            elif name not in then:
                yield f"{where} is new"
            elif name != "id" or not isinstance(then[name], str):  # harnesses name their entries anew in each run
                yield from _differences(then[name], now[name], where)
    elif isinstance(then, list) and isinstance(now, list):
        for number, (one, other) in enumerate(zip(then, now, strict=False)):
            yield from _differences(one, other, f"{place}[{number}]")
        if len(then) != len(now):
            yield f"{place} has {len(now)} entries, not {len(then)}"
    elif then != now:
        yield f"{place}: {_excerpt(then, now)}"


def _excerpt(then: Any, now: Any) -> str:
    """Both values from where they part."""
    if not isinstance(then, str) or not isinstance(now, str):
        return f"{json.dumps(now)[:_AROUND_CHARACTERS]}, not {json.dumps(then)[:_AROUND_CHARACTERS]}"
    same = next((at for at, (a, b) in enumerate(zip(then, now, strict=False)) if a != b), min(len(then), len(now)))
    start = max(same - 10, 0)
    ends = start + _AROUND_CHARACTERS
    return f"{now[start:ends]!r}, not {then[start:ends]!r}"
