"""`/audit`: who did what, when and from where."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, CURSOR, DEFAULT_LIMIT, LIMIT, read_time
from mogplex.domain.access import Scope
from mogplex.domain.audit import Action


def list_audit(call: Call) -> ASGIApp:
    query = call.query
    since = query.get("since")
    page = call.services.audit.list(
        call.caller,
        action=query.get("action"),
        key_id=query.get("key"),
        target=query.get("target"),
        since=None if since is None else read_time("since", since),
        limit=query.get("limit", DEFAULT_LIMIT),
        cursor=query.get("cursor"),
    )
    return succeed({"entries": [entry.as_wire() for entry in page.items], "nextCursor": page.next_cursor})


ROUTES = (
    Route(
        "GET",
        f"{BASE}/audit",
        "listAudit",
        "List who did what, the newest first",
        Scope.ADMIN,
        list_audit,
        (Success(200, "A page of entries.", "AuditPage"),),
        parameters=(
            Parameter("action", "Only such acts.", {"type": "string", "enum": list(Action)}),
            Parameter("key", "Only acts of this key, by its id."),
            Parameter("target", "Only acts on this: the id of a run, a repo, a key; a secret's name."),
            Parameter("since", "Only acts since then.", {"type": "string", "format": "date-time"}),
            LIMIT,
            CURSOR,
        ),
    ),
)
