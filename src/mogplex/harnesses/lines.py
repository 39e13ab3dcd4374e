"""One line of a harness's output, before anybody knows what it means."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from mogplex.domain.event import EventDraft, EventType

# Far above what an event shows, so that no secret is split here: the redactor must see it whole, then cuts.
MAX_TEXT_CHARACTERS = 64 * 1024
_WORK = "/work/"
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


def decode(line: bytes) -> Mapping[str, Any] | None:
    """The JSON object that a line is; None when it is anything else."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # also bytes that are no UTF-8
        return None
    return record if isinstance(record, Mapping) else None


def keep(line: bytes) -> EventDraft:
    """A line that means nothing to us, as it is: what a program prints is never lost, and never trusted either."""
    return EventDraft(EventType.LOG, text_of(line).rstrip(), payload={"stream": "stdout"})


def text_of(line: bytes) -> str:
    return line[:MAX_TEXT_CHARACTERS].decode("utf-8", "replace")


def notice(text: str, level: str = "info", **facts: Any) -> EventDraft:
    """What a harness says about itself; `level` is info, warning or error."""
    return EventDraft(EventType.LOG, text, payload={"stream": "harness", "level": level, **facts})


def string(record: Mapping[str, Any], name: str) -> str:
    """A field as text, cut where it is absurdly long; "" when it is missing or no text."""
    value = record.get(name)
    return value[:MAX_TEXT_CHARACTERS] if isinstance(value, str) else ""


def mapping(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A field that should be an object; an empty one when it is not."""
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def objects(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a field that should be a list of them."""
    value = record.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def session_name(record: Mapping[str, Any], name: str) -> str | None:
    """A program's name for its conversation. It goes into a command line later, and anybody in the sandbox may have
    written it: what is no plain word is none."""
    value = record.get(name)
    return value if isinstance(value, str) and _SESSION.fullmatch(value) else None


def last_line(text: str) -> str:
    """The last line with anything on it, which for most commands is what came of them."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def in_repo(path: str) -> str:
    """A path of the sandbox as the repo knows it; those outside the checkout stay as they are."""
    plain = posixpath.normpath(path) if path else path
    return plain.removeprefix(_WORK)
