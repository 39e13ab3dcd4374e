"""Random ids with a prefix that says what they name."""

from __future__ import annotations

import re
import secrets

from mogplex.domain.errors import NotFound

_RANDOM_BYTES = 12
_ID = re.compile(r"(run|repo|key|sbx|sch|hook|msg)_[0-9a-f]{24}\Z")


def generate_id(prefix: str) -> str:
    """`prefix` is one of run, repo, key, sbx, sch, hook, msg."""
    return f"{prefix}_{secrets.token_hex(_RANDOM_BYTES)}"


def is_id(value: str, prefix: str) -> bool:
    return value.startswith(prefix + "_") and _ID.match(value) is not None


def missing(noun: str, value: str) -> NotFound:
    """The one answer for what is not there, is not to be seen, or can't be an id at all."""
    return NotFound(f"There is no {noun} {value[:100]!r}, or this key may not see it.")
