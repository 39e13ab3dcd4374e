"""Messages of forges: believed when they are signed, kept once, and worked on outside of the request."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mogplex.domain.access import Caller, Scope
from mogplex.domain.errors import BadRequest, Unauthorized, WorkspaceError
from mogplex.domain.forge import ForgeKind, locate
from mogplex.domain.hook import Ignored, Trigger, Wish, read_message
from mogplex.domain.hook_delivery import HookDelivery, HookStatus
from mogplex.domain.repo import Repo
from mogplex.domain.secret import Phase
from mogplex.service.page import Page, clamp_limit, cut, decode_time_cursor
from mogplex.service.repos import find_repo
from mogplex.service.sealing import open_secrets
from mogplex.service.vault import Vault
from mogplex.store import hooks as hook_table
from mogplex.store import repos as repo_table
from mogplex.store.database import Database, Transaction
from mogplex.store.hook_tables import hook_deliveries

OWN_BRANCHES = "mogplex/"
_log = logging.getLogger(__name__)
_DELIVERY_ID = re.compile(r"[A-Za-z0-9-]{8,100}\Z")
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})\Z")


@dataclass(frozen=True, slots=True)
class Receipt:
    """`accepted`, `ignored`, `duplicate` or `pong`, and why. It is told to the forge, which shows it to its admins."""

    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """One request of a forge, as it came."""

    event: str
    delivery_id: str
    signature: str
    raw: bytes


class Hooks:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def receive(self, message: Message) -> Receipt:
        """Raises Unauthorized when nothing vouches for the message, BadRequest when it can't be read."""
        if not _DELIVERY_ID.match(message.delivery_id):
            raise BadRequest("X-GitHub-Delivery must be there: the id by which GitHub repeats a message.")
        body = _decode(message.raw)
        with self._database.read() as tx:
            repo = self._find_signed(tx, message, body)
        if message.event == "ping":
            return Receipt("pong", f"{repo.full_name} hears you")
        try:
            wish = read_message(message.event, body, repo.hooks)
        except (AttributeError, KeyError, TypeError, ValueError) as fault:
            raise BadRequest(f"The {message.event[:60]} message has not the shape of GitHub's ({fault!r}).") from fault
        if isinstance(wish, Ignored):
            return Receipt("ignored", wish.reason)
        return self._keep(repo, message.delivery_id, wish)

    def _find_signed(self, tx: Transaction, message: Message, body: Mapping[str, Any]) -> Repo:
        """The repo whose secret signed the message. Nobody learns which repos there are."""
        given = _SIGNATURE.match(message.signature)
        named = body.get("repository")
        project = named.get("full_name") if isinstance(named, Mapping) else None
        if given is not None and isinstance(project, str):
            for repo in _candidates(repo_table.select_hooked(tx), project):
                for secret in self._secrets_of(tx, repo):
                    expected = hmac.new(secret.encode(), message.raw, hashlib.sha256).hexdigest()
                    if hmac.compare_digest(expected, given[1]):
                        return repo
        raise Unauthorized(
            "The message is not signed with the secret of a repo that listens here. Check X-Hub-Signature-256, the "
            "secret (mogplex repos secrets set REPO HOOK --for hook) and the triggers (repos set REPO --hook …)."
        )

    def _secrets_of(self, tx: Transaction, repo: Repo) -> list[str]:
        try:
            found = open_secrets(tx, self._vault, repo.id)
        except WorkspaceError as fault:  # a stranger must not learn of it
            _log.warning("%s", fault.message)
            return []
        return [each.value.strip() for each in found if Phase.HOOK in each.phases]

    def _keep(self, repo: Repo, delivery_id: str, wish: Wish) -> Receipt:
        with self._database.write() as tx:
            tx.take_turn(f"hooks of {repo.id}")
            if hook_table.get(tx, repo.id, delivery_id) is not None:
                return Receipt("duplicate", "this delivery was taken before")
            if wish.subject is not None and hook_table.has_subject(tx, repo.id, wish.subject):
                return Receipt("duplicate", f"a run was asked for before on account of {wish.subject}")
            if (own := _own_branch(tx, repo, wish)) is not None:
                return Receipt("ignored", own)
            delivery = HookDelivery(repo.id, delivery_id, wish, wish.subject, created_at=tx.now, next_at=tx.now)
            hook_table.insert(tx, delivery)
        return Receipt("accepted", f"a run for {repo.full_name} is asked for")

    def list(
        self,
        caller: Caller,
        *,
        repo: str | None = None,
        status: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[HookDelivery]:
        """Messages that asked for a run, the newest first; of one repo (id or name) or status. Raises BadRequest,
        NotFound."""
        caller.require(Scope.ADMIN)
        limit, table = clamp_limit(limit), hook_deliveries.c
        wanted: list[sa.ColumnElement[bool]] = []
        if caller.repo_ids is not None:
            wanted.append(table.repo_id.in_(sorted(caller.repo_ids)))
        if status is not None:
            if status not in list(HookStatus):
                raise BadRequest(f"status {status[:60]!r} is not known; known are: {', '.join(HookStatus)}.")
            wanted.append(table.status == status)
        if cursor is not None:
            wanted.append(sa.tuple_(table.created_at, table.id) < sa.tuple_(*decode_time_cursor(cursor)))
        with self._database.read() as tx:
            if repo is not None:
                wanted.append(table.repo_id == find_repo(tx, caller, repo).id)
            found = hook_table.select(tx, wanted, limit + 1)
        return cut(found, limit, lambda each: (each.created_at, each.id))


def _own_branch(tx: Transaction, repo: Repo, wish: Wish) -> str | None:
    """What Mogplex did must not lead to more of it. A comment is a person's, so it may."""
    if wish.trigger is Trigger.COMMENT or wish.branch is None:
        return None
    if wish.branch.startswith(OWN_BRANCHES) or hook_table.is_own_branch(tx, repo.id, wish.branch):
        return f"runs have worked on the branch {wish.branch}, and what they do starts no other run"
    return None


def _candidates(repos: Iterable[Repo], project: str) -> Iterable[Repo]:
    for repo in repos:
        try:
            place = locate(repo.clone_url, repo.forge)
        except BadRequest:
            continue  # no forge, so no hook of one
        if place.kind is ForgeKind.GITHUB and place.project.lower() == project.lower():
            yield repo


def _decode(raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as fault:
        raise BadRequest("The message is no JSON: choose the content type application/json for the hook.") from fault
    if not isinstance(body, Mapping):
        raise BadRequest("The message is no JSON object.")
    return body
