"""Parameters and answers that more than one noun's routes speak of."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from mogplex.api.query import Parameter
from mogplex.domain.errors import BadRequest, Detail, NotFound
from mogplex.domain.view import API_PATH

BASE = API_PATH
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")

IDEMPOTENCY_KEY = "Idempotency-Key"
RUN_ID = Parameter("runId", "The run's id.", where="path", required=True)
REPO_ID = Parameter("repoId", "The repo's id, or owner/name.", where="path", required=True)
LIMIT = Parameter(
    "limit",
    "Items in a page.",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
)
CURSOR = Parameter("cursor", "`nextCursor` of the page before.", {"type": "string", "maxLength": 1000})


def read_id(value: str, noun: str) -> str:
    """An id from a path. Raises NotFound for what can't be one, so that nothing strange gets any further."""
    if _ID.match(value) is None:
        raise NotFound(f"There is no {noun} {value[:100]!r}, or this key may not see it.")
    return value


def read_time(field: str, text: Any) -> float:
    """Seconds since 1970 from ISO-8601 with a zone (a bare date is midnight UTC). Raises BadRequest."""
    try:
        if not isinstance(text, str) or len(text) > 40:
            raise ValueError
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            if len(text) > len("2026-01-31"):
                raise ValueError
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError) as fault:
        reason = f"must be a time like 2026-01-31T12:00:00Z, not {str(text)[:40]!r}"
        raise BadRequest(f"{field} {reason}", [Detail(field, reason)]) from fault
