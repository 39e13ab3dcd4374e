"""`/repos`: register, list, get, change, remove."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, CURSOR, DEFAULT_LIMIT, LIMIT, REPO_ID, read_id
from mogplex.domain.access import Scope
from mogplex.domain.errors import NotFound
from mogplex.domain.fields import is_storable
from mogplex.domain.repo import Repo
from mogplex.domain.repo_view import repo_object


def list_repos(call: Call) -> ASGIApp:
    limit = call.query.get("limit", DEFAULT_LIMIT)
    page = call.services.repos.list(call.caller, call.query.get("q"), limit, call.query.get("cursor"))
    return succeed({"repos": [repo_object(repo) for repo in page.items], "nextCursor": page.next_cursor})


def add(call: Call) -> ASGIApp:
    repo, created = call.services.repos.add(call.caller, call.json_object())
    data = {"repo": repo_object(repo), "created": created}
    return succeed(data, 201 if created else 200, {"Location": f"{BASE}/repos/{repo.id}"})


def get(call: Call) -> ASGIApp:
    repo = find_repo(call)
    steps = call.services.detect_setup(repo) if call.query.get("detect") == "setup" else None
    return succeed({"repo": repo_object(repo, steps)})


def update(call: Call) -> ASGIApp:
    body = call.json_object()
    return succeed({"repo": repo_object(call.services.repos.update(call.caller, find_repo(call).id, body))})


def remove(call: Call) -> ASGIApp:
    repo = find_repo(call)
    call.services.repos.remove(call.caller, repo.id)
    return succeed({"id": repo.id, "removed": True})


def find_repo(call: Call) -> Repo:
    """The repo that the path names. Raises NotFound."""
    owner, slash, name = call.path["repo_id"].partition("/")
    wanted = f"{read_id(owner, 'repo')}/{read_id(name, 'repo')}" if slash else read_id(owner, "repo")
    if not is_storable(wanted):
        raise NotFound(f"There is no repo {wanted[:100]!r}.")
    return call.services.repos.get(call.caller, wanted)


# A name has a slash in it, which servers decode before they look for a route: hence `:path`.
_REPO = f"{BASE}/repos/{{repo_id:path}}"
_DETECT = Parameter(
    "detect",
    "`setup`: also find out what the files of the default branch ask for; may take seconds.",
    {"type": "string", "enum": ["setup"]},
)
_ONE = (Success(200, "The repo.", "RepoAnswer"),)

ROUTES = (
    Route(
        "GET",
        f"{BASE}/repos",
        "listRepos",
        "List repos by name",
        Scope.READ,
        list_repos,
        (Success(200, "A page of repos.", "RepoPage"),),
        parameters=(Parameter("q", "Only with this in owner/name, whatever its case."), LIMIT, CURSOR),
    ),
    Route(
        "POST",
        f"{BASE}/repos",
        "addRepo",
        "Register a repo; the same clone URL twice gives the same repo",
        Scope.ADMIN,
        add,
        (
            Success(201, "Registered.", "AddedRepo"),
            Success(200, "It was registered before, with the same settings.", "AddedRepo"),
        ),
        body="RepoRequest",
        refusals=(409,),
    ),
    Route(
        "GET", _REPO, "getRepo", "Get a repo", Scope.READ, get, _ONE, parameters=(REPO_ID, _DETECT), refusals=(404, 409)
    ),
    Route(
        "PATCH",
        _REPO,
        "updateRepo",
        "Change a repo's settings",
        Scope.ADMIN,
        update,
        _ONE,
        parameters=(REPO_ID,),
        body="RepoChange",
        refusals=(404, 409),
    ),
    Route(
        "DELETE",
        _REPO,
        "removeRepo",
        "Remove a repo that no run is active in",
        Scope.ADMIN,
        remove,
        (Success(200, "Removed.", "RemovedRepo"),),
        parameters=(REPO_ID,),
        refusals=(404, 409),
    ),
)
