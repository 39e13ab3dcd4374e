"""JSON Schemas of what is asked about webhooks, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from mogplex.domain.webhook import Topic

_FIELDS: dict[str, Any] = {
    "url": {"type": "string", "minLength": 1, "maxLength": 2000, "description": "Where to POST: https://…"},
    "events": {
        "type": ["array", "null"],
        "items": {"enum": [topic for topic in Topic if topic is not Topic.WEBHOOK_TEST]},
        "minItems": 1,
        "description": "What to tell; null or left out of a new one, run.finished and schedule.alarm.",
    },
    "repos": {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "minItems": 1,
        "description": "Ids or names of the only repos to tell of; null or left out of a new one, all.",
    },
}
_ENABLED = {"type": "boolean", "description": "Whether anything is sent; what waits is given up while it is false."}

WEBHOOK_REQUEST: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": _FIELDS,
}

WEBHOOK_CHANGE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {**_FIELDS, "enabled": _ENABLED},
}
