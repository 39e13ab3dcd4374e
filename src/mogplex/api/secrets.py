"""`/repos/{repoId}/secrets/{name}`: set and remove. Which there are, the repo itself tells; values are never told."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.repos import find_repo
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, REPO_ID, read_id
from mogplex.domain.access import Scope
from mogplex.domain.repo_view import secret_object


def put(call: Call) -> ASGIApp:
    repo = find_repo(call)
    note, created = call.services.secrets.put(call.caller, repo.id, call.path["name"], call.json_object())
    return succeed({"secret": secret_object(note), "created": created}, 201 if created else 200)


def remove(call: Call) -> ASGIApp:
    repo = find_repo(call)
    name = read_id(call.path["name"], "secret")
    call.services.secrets.remove(call.caller, repo.id, name)
    return succeed({"name": name, "removed": True})


_SECRET = f"{BASE}/repos/{{repo_id:path}}/secrets/{{name}}"
_NAME = Parameter(
    "name",
    "The variable's name.",
    {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,99}$"},
    "path",
    required=True,
)

ROUTES = (
    Route(
        "PUT",
        _SECRET,
        "setSecret",
        "Set a secret of a repo; it is never told again",
        Scope.ADMIN,
        put,
        (
            Success(201, "Set for the first time.", "SetSecret"),
            Success(200, "Set anew: value and phases are those given now.", "SetSecret"),
        ),
        parameters=(REPO_ID, _NAME),
        body="SecretRequest",
        refusals=(404, 409),
    ),
    Route(
        "DELETE",
        _SECRET,
        "removeSecret",
        "Remove a secret; runs that start from now on don't get it",
        Scope.ADMIN,
        remove,
        (Success(200, "Removed.", "RemovedSecret"),),
        parameters=(REPO_ID, _NAME),
        refusals=(404, 409),
    ),
)
