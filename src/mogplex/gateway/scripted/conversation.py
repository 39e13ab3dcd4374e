"""A request to a model, whatever its protocol, and which place of a conversation it asks for.

The place is read from the request itself: which of our answers it quotes. So any number of runs can play the same
scenario at once, a repeated request gets the same turn, and nothing is kept between requests but counts of faults.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mogplex.domain.model import ModelProtocol

SESSION_HEADERS = ("session-id", "session_id", "x-claude-code-session-id", "x-session-id")
_OURS = re.compile(r"^(?:call|toolu|resp)_s(\d+)_")
_DIRECTORY = (
    re.compile(r"<cwd>([^<\n]+)</cwd>"),
    re.compile(r"[Ww]orking directory: ([^\s\"\\]+)"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One part of the history: said by the model or not, with the ids of the tool calls in it."""

    by_model: bool
    call_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for. `tools` maps each offered tool to `function` or `custom` (free-form input)."""

    protocol: ModelProtocol
    model: str
    stream: bool
    tools: Mapping[str, str]
    index: int  # answers of ours that came before
    conversation: str
    directory: str | None  # where the client says it works
    wants_usage: bool = True  # in streams of Chat Completions only when asked for
    namespaces: Mapping[str, str] = field(default_factory=dict)  # of tools that codex groups, by `namespace__tool`


def call_id(prefix: str, index: int, serial: int, number: int) -> str:
    """An id that says which answer of the conversation it belongs to."""
    return f"{prefix}_s{index}_{serial}_{number}"


def place_of(entries: Iterable[Entry], start: int = 0) -> int:
    """How many answers of ours the history holds: by the ids in it, and by counting answers that have none."""
    index, in_answer = start, False
    for entry in entries:
        if not entry.by_model:
            in_answer = False
            continue
        named = [int(match.group(1)) for name in entry.call_ids if (match := _OURS.match(name))]
        if named:
            index = max(named) + 1
        elif not in_answer:
            index += 1
        in_answer = True
    return index


def index_of(name: str) -> int | None:
    """The answer that an id of ours belongs to."""
    match = _OURS.match(name)
    return int(match.group(1)) if match else None


def conversation_of(headers: Mapping[str, str], opening: Any) -> str:
    """The client's own name of its conversation, else one made from how it begins."""
    for name in SESSION_HEADERS:
        if headers.get(name):
            return str(headers[name])
    return hashlib.sha256(json.dumps(opening, sort_keys=True).encode()).hexdigest()[:16]


def directory_of(text: str) -> str | None:
    """Where the client says it works, found in its prompt."""
    for pattern in _DIRECTORY:
        found = pattern.search(text)
        if found:
            return found.group(1)
    return None
