"""Who did what, when and from where: written in the transaction of the act itself, read by admins."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mogplex.domain.access import Caller, Scope
from mogplex.domain.audit import Action, AuditEntry
from mogplex.domain.errors import BadRequest
from mogplex.service.page import Page, clamp_limit, cut, decode_time_cursor
from mogplex.service.sign_ins import SignIns
from mogplex.store import audit as audit_table
from mogplex.store.audit_table import audit_entries
from mogplex.store.database import Database, Transaction


def note(
    tx: Transaction, caller: Caller, action: Action, target: str, repo_id: str | None = None, **detail: Any
) -> None:
    """Write down that `caller` does this now. `detail` holds names only, never a value that may be secret."""
    origin = caller.origin
    values = {
        "key_id": caller.key_id,
        "key_name": caller.key_name,
        "owner": caller.owner,
        "repo_id": repo_id,
        "address": origin.address if origin else None,
        "request_id": origin.request_id if origin else None,
        "detail": detail,
    }
    audit_table.insert(tx, action, target, values)


class Audit:
    def __init__(self, database: Database, sign_ins: SignIns) -> None:
        self._database = database
        self._sign_ins = sign_ins

    def list(
        self,
        caller: Caller,
        *,
        action: str | None = None,
        key_id: str | None = None,
        target: str | None = None,
        since: float | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[AuditEntry]:
        """The newest first; a key that is bound to repos sees what concerns them. Raises BadRequest."""
        caller.require(Scope.ADMIN)
        limit = clamp_limit(limit)
        wanted: list[sa.ColumnElement[bool]] = []
        if action is not None:
            if action not in list(Action):
                raise BadRequest(f"action {action[:60]!r} is not known; known are: {', '.join(Action)}.")
            wanted.append(audit_entries.c.action == action)
        for column, value in ((audit_entries.c.key_id, key_id), (audit_entries.c.target, target)):
            if value is not None:
                wanted.append(column == value)
        if since is not None:
            wanted.append(audit_entries.c.at >= since)
        if caller.repo_ids is not None:
            wanted.append(audit_entries.c.repo_id.in_(sorted(caller.repo_ids)))
        if cursor is not None:
            wanted.append(audit_entries.c.id < decode_time_cursor(cursor)[0])
        self._sign_ins.flush()
        with self._database.read() as tx:
            found = audit_table.select(tx, wanted, limit + 1)
        return cut(found, limit, lambda entry: (float(entry.id), "audit"))
