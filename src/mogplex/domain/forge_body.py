"""The JSON Schema of a repo's `forge`, as it is asked for."""

from __future__ import annotations

from typing import Any

from mogplex.domain.forge import ForgeKind

FORGE: dict[str, Any] = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "description": "Where its pull requests are opened; what is left out is found from the clone URL.",
    "properties": {
        "kind": {"enum": [*ForgeKind, None], "description": "Whose API is spoken."},
        "apiUrl": {"type": ["string", "null"], "maxLength": 2000, "description": "Such as https://host/api/v1."},
        "project": {"type": ["string", "null"], "description": "owner/name; on GitLab with all groups."},
        "labels": {
            "type": ["array", "null"],
            "items": {"type": "string", "minLength": 1, "maxLength": 50},
            "maxItems": 20,
            "description": "Labels of its pull requests; left out, mogplex.",
        },
    },
}
