"""Repos: adding them once, finding them by id or name, and changing what their owner settled."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import sqlalchemy as sa

from mogplex.domain.access import Caller, Scope
from mogplex.domain.audit import Action
from mogplex.domain.errors import BadRequest, Conflict, Detail, Forbidden, NotFound
from mogplex.domain.repo import DEFAULT_PUSH_BRANCHES, RemoteFacts, Repo, full_name_fault
from mogplex.domain.secret import GitCredential, value_fault
from mogplex.service.audit import note
from mogplex.service.ids import generate_id, is_id, missing
from mogplex.service.page import Page, clamp_limit, cut, decode_name_cursor
from mogplex.service.repo_settings import read_settings
from mogplex.service.sealing import check_git_credential, git_credential, put_git_credential
from mogplex.service.vault import Vault
from mogplex.store import repos as repo_table
from mogplex.store import runs as run_table
from mogplex.store.database import Database, Transaction
from mogplex.store.schema import repos, runs

Inspect = Callable[[str, GitCredential | None], RemoteFacts]
CREDENTIAL_FIELD = "gitCredential"  # of a registration only: later it is a secret like others
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


class Repos:
    def __init__(self, database: Database, inspect: Inspect, harness_names: Collection[str], vault: Vault) -> None:
        """`inspect(clone_url, credential)` looks at the remote; it raises WorkspaceError when that can't be done."""
        self._database = database
        self._vault = vault
        self._inspect = inspect
        self._harness_names = tuple(harness_names)

    def add(self, caller: Caller, body: Mapping[str, Any]) -> tuple[Repo, bool]:
        """The repo, and whether it is new: the same clone URL is the same repo.

        Raises BadRequest, Conflict when it exists with other settings than those given, and what `inspect` raises.
        """
        caller.require(Scope.ADMIN)
        _require_unbound(caller)
        settings = {name: value for name, value in body.items() if name != CREDENTIAL_FIELD}
        values = {name: value for name, value in self._read(settings, creating=True).items() if value is not None}
        credential = _read_credential(body.get(CREDENTIAL_FIELD))
        clone_url = values["clone_url"]
        with self._database.read() as tx:
            known = repo_table.find_by_clone_url(tx, clone_url)
            if known is not None:
                return self._same_or_conflict(tx, known, values, credential), False
        facts = self._inspect(
            clone_url, None if credential is None else GitCredential.of(credential)
        )  # may take seconds, so outside of any transaction
        default_branch = values.get("default_branch") or facts.default_branch
        if facts.empty:
            raise BadRequest(
                f"The repository at {clone_url} has no commit yet. Push a first commit, then add it.",
                [Detail("cloneUrl", "is an empty repository")],
            )
        if not default_branch:
            raise BadRequest(
                f"The repository at {clone_url} does not tell its default branch. Give one: --default-branch main",
                [Detail("defaultBranch", "is required for this repository")],
            )
        values["default_branch"] = default_branch
        values.setdefault("full_name", name_from(clone_url))
        with self._database.write() as tx:
            tx.take_turn("repos")
            known = repo_table.find_by_clone_url(tx, clone_url)
            if known is not None:
                return self._same_or_conflict(tx, known, values, credential), False
            repo = Repo(id=generate_id("repo"), created_at=tx.now, updated_at=tx.now, **values)
            repo_table.insert(tx, repo)
            note(tx, caller, Action.REPO_ADDED, repo.id, repo.id, name=repo.full_name)
            if credential is not None:
                put_git_credential(tx, self._vault, repo.id, credential)
            return repo_table.get(tx, repo.id) or repo, True

    def get(self, caller: Caller, id_or_full_name: str) -> Repo:
        """Raises NotFound; Conflict when several repos bear the name."""
        caller.require(Scope.READ)
        with self._database.read() as tx:
            return find_repo(tx, caller, id_or_full_name)

    def list(self, caller: Caller, query: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Repo]:
        """By name; `query` is a part of the name or the clone URL, in any case."""
        caller.require(Scope.READ)
        limit = clamp_limit(limit)
        conditions: list[sa.ColumnElement[bool]] = []
        if query and "\x00" not in query:
            conditions.append(
                sa.or_(
                    repos.c.full_name.icontains(query, autoescape=True),
                    repos.c.clone_url.icontains(query, autoescape=True),
                )
            )
        if caller.repo_ids is not None:
            conditions.append(repos.c.id.in_(sorted(caller.repo_ids)))
        if cursor is not None:
            conditions.append(sa.tuple_(repos.c.full_name, repos.c.id) > sa.tuple_(*decode_name_cursor(cursor)))
        with self._database.read() as tx:
            found = repo_table.select(tx, conditions, limit + 1)
        return cut(found, limit, lambda repo: (repo.full_name, repo.id))

    def update(self, caller: Caller, repo_id: str, body: Mapping[str, Any], *, seen_at: float | None = None) -> Repo:
        """Change the settings that `body` gives; null puts one back to its default.

        `seen_at` is the `updated_at` of what the caller has seen and wants to replace. Raises BadRequest, NotFound;
        Conflict when somebody changed the repo since then.
        """
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            repo = _hold(tx, caller, repo_id)
            if seen_at is not None and repo.updated_at != seen_at:
                raise Conflict(
                    f"{repo.full_name} was changed by somebody else since you opened it. Open it anew to see how it is "
                    "now, or save again to put these settings in the place of those."
                )
            values = self._read(_with_parts(repo, body), creating=False)
            for name, wire in (("full_name", "name"), ("default_branch", "defaultBranch")):
                if name in values and values[name] is None:
                    raise BadRequest(f"{wire} may not be null.", [Detail(wire, "may not be null")])
            if "push_branches" in values and values["push_branches"] is None:
                values["push_branches"] = DEFAULT_PUSH_BRANCHES
            if values:
                repo_table.update(tx, repo.id, values)
                note(tx, caller, Action.REPO_CHANGED, repo.id, repo.id, fields=sorted(values))
            return find_repo(tx, caller, repo.id)

    def change_variables(self, caller: Caller, repo_id: str, changes: Mapping[str, str | None]) -> Repo:
        """Set variables of the repo, or remove those with None. All others stay, whoever changes some meanwhile.

        Raises BadRequest; NotFound, also for a variable that is to be removed and is not there.
        """
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            repo = _hold(tx, caller, repo_id)
            for name in (name for name, value in changes.items() if value is None):
                if name not in repo.environment:
                    raise NotFound(f"{repo.full_name} has no variable {name[:100]!r}.")
            changed = {name: value for name, value in {**repo.environment, **changes}.items() if value is not None}
            repo_table.update(tx, repo.id, self._read({"env": changed}, creating=False))
            note(tx, caller, Action.REPO_CHANGED, repo.id, repo.id, fields=["environment"])
            return find_repo(tx, caller, repo.id)

    def remove(self, caller: Caller, repo_id: str) -> None:
        """Its runs stay readable for keys that are not bound. Raises Conflict while one of them is active."""
        caller.require(Scope.ADMIN)
        with self._database.write() as tx:
            tx.take_turn("starts")  # no run can be started between the count and the removal
            repo = find_repo(tx, caller, repo_id)
            active = run_table.count(tx, run_table.OPEN, runs.c.repo_id == repo.id)
            if active:
                raise Conflict(
                    f"{repo.full_name} has {active} active run{'s' if active > 1 else ''}. Cancel them or wait: "
                    f"mogplex runs list --repo {repo.id}"
                )
            repo_table.delete(tx, repo.id)
            note(tx, caller, Action.REPO_REMOVED, repo.id, repo.id, name=repo.full_name)

    def _same_or_conflict(
        self, tx: Transaction, known: Repo, values: Mapping[str, Any], credential: str | None
    ) -> Repo:
        if credential is not None and git_credential(tx, self._vault, known.id) != credential:
            raise Conflict(
                f"{known.clone_url} is there already as {known.id}, with another git credential or none. "
                f"Set it with: mogplex repos secrets set {known.id} GIT_CREDENTIAL --for git"
            )
        return _same_or_conflict(known, values)

    def _read(self, body: Mapping[str, Any], *, creating: bool) -> dict[str, Any]:
        return read_settings(body, self._harness_names, creating=creating)


def find_repo(tx: Transaction, caller: Caller, id_or_full_name: str) -> Repo:
    """By id, or by name if only one that the caller may see bears it. Raises NotFound, Conflict."""
    if is_id(id_or_full_name, "repo"):
        repo = repo_table.get(tx, id_or_full_name)
        if repo is not None and caller.may_see(repo.id):
            return repo
    elif full_name_fault(id_or_full_name) is None:
        named = [repo for repo in repo_table.find_by_full_name(tx, id_or_full_name) if caller.may_see(repo.id)]
        if len(named) > 1:
            raise Conflict(
                f"{id_or_full_name} names {len(named)} repos. Give an id instead: {', '.join(r.id for r in named[:10])}"
            )
        if named:
            return named[0]
    raise missing("repo", id_or_full_name)


def _hold(tx: Transaction, caller: Caller, repo_id: str) -> Repo:
    """The repo as it is, which nobody else changes until the transaction ends. Raises NotFound, Conflict."""
    tx.take_turn(f"repo {find_repo(tx, caller, repo_id).id}")
    return find_repo(tx, caller, repo_id)


def name_from(clone_url: str) -> str:
    """owner/name from the last two parts of a URL or path; one part alone gets the owner 'local'."""
    path = clone_url.rstrip("/").removesuffix(".git").split("://", 1)[-1]
    if ":" in path and "/" not in path.split(":", 1)[0]:
        host, _, rest = path.partition(":")
        path = rest if not rest.split("/", 1)[0].isdigit() else f"{host}/{rest}"
    parts = [_NOT_IN_NAMES.sub("-", part).strip("-.")[:100] for part in path.split("/")]
    named = [part for part in parts if part]
    if not named:
        return "local/repo"
    return "/".join(named[-2:]) if len(named) > 1 else f"local/{named[0]}"


def _with_parts(repo: Repo, body: Mapping[str, Any]) -> dict[str, Any]:
    """Of `forge` and `hooks` too only what is given changes."""
    whole = dict(body)
    for name, present in (("forge", repo.forge.as_wire()), ("hooks", repo.hooks.as_wire())):
        if isinstance(body.get(name), Mapping):
            whole[name] = {**present, **body[name]}
    return whole


def _read_credential(value: Any) -> str | None:
    """A token, `user:token` or a private key; None when there is none. Raises BadRequest, which doesn't show it."""
    if value is None:
        return None
    fault = value_fault(value)
    if fault is not None:
        raise BadRequest(f"Invalid repo: {CREDENTIAL_FIELD} {fault}", [Detail(CREDENTIAL_FIELD, fault)])
    check_git_credential(str(value))
    return str(value)


def _same_or_conflict(known: Repo, values: Mapping[str, Any]) -> Repo:
    differing = sorted(
        each.name for each in dataclasses.fields(known) if each.name in values and _differs(known, values, each.name)
    )
    if differing:
        raise Conflict(
            f"{known.clone_url} is there already as {known.id}, with other settings ({', '.join(differing)}). "
            f"Change them with: mogplex repos set {known.id} … (PATCH /repos/{known.id})"
        )
    return known


def _differs(known: Repo, values: Mapping[str, Any], name: str) -> bool:
    return bool(getattr(known, name) != values[name])


def _require_unbound(caller: Caller) -> None:
    if caller.repo_ids is not None:
        raise Forbidden("This key is bound to repos, so it can't add one. Ask for an admin key that is not bound.")
