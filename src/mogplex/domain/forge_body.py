"""The JSON Schemas of a repo's `forge` and `hooks`, as they are asked for."""

from __future__ import annotations

from typing import Any

from mogplex.domain.forge import ForgeKind
from mogplex.domain.hook import Trigger
from mogplex.domain.run import Delivery

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

HOOKS: dict[str, Any] = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "description": "Which messages of its forge start runs; null: none does.",
    "properties": {
        "on": {"type": ["array", "null"], "items": {"enum": list(Trigger)}, "description": "What starts runs."},
        "label": {"type": ["string", "null"], "minLength": 1, "maxLength": 50, "description": "Left out, mogplex-run."},
        "people": {
            "type": ["array", "null"],
            "items": {"type": "string", "minLength": 1, "maxLength": 99},
            "maxItems": 100,
            "description": "The only logins that may start runs; none: `associations` decides.",
        },
        "associations": {
            "type": ["array", "null"],
            "items": {"enum": ["OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"]},
            "description": "Whose comments may; left out, OWNER, MEMBER and COLLABORATOR.",
        },
        "delivery": {"enum": [*Delivery, None], "description": "Left out, pull_request."},
    },
}
