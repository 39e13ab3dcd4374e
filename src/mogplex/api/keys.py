"""`/keys`: make (the secret is told this once), list, revoke."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, read_id, read_time
from mogplex.domain.access import Scope
from mogplex.domain.bodies import KEY_REQUEST
from mogplex.domain.errors import BadRequest, Detail, NotFound
from mogplex.domain.fields import kind_of
from mogplex.domain.view import key_object

DEFAULT_SCOPES = (Scope.READ, Scope.WRITE)


def create(call: Call) -> ASGIApp:
    body = call.json_object()
    faults = [Detail(str(name)[:100], "is not a known field") for name in body if name not in KEY_REQUEST["properties"]]
    name = _read(body, "name", _is_text, "a string", faults)
    owner = _read(body, "owner", _is_text, "a string", faults)
    scopes = _read(body, "scopes", _are_texts, "a list of strings", faults)
    repos = _read(body, "repos", _are_texts, "a list of strings", faults)
    if name is None and not faults:
        faults.append(Detail("name", "is required"))
    if scopes == [] or repos == []:
        faults.append(Detail("repos" if repos == [] else "scopes", "may not be empty; leave it out for the default"))
    if faults:
        raise BadRequest("Invalid request: " + "; ".join(f"{each.field} {each.reason}" for each in faults), faults)
    expires_at = body.get("expiresAt")
    key, secret = call.services.keys.create(
        call.caller,
        name=str(name),
        scopes=DEFAULT_SCOPES if scopes is None else scopes,
        repo_ids=None if repos is None else [_find_repo(call, each) for each in repos],
        expires_at=None if expires_at is None else read_time("expiresAt", expires_at),
        owner=owner,
    )
    return succeed({"key": {**key_object(key), "secret": secret}}, 201)


def _read(body: dict[str, Any], field: str, fits: Callable[[Any], bool], kind: str, faults: list[Detail]) -> Any:
    value = body.get(field)
    if value is not None and not fits(value):
        faults.append(Detail(field, f"must be {kind}, not {kind_of(value)}"))
        return None
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 100 and all(isinstance(each, str) for each in value)


def _find_repo(call: Call, wanted: str) -> str:
    try:
        return call.services.repos.get(call.caller, wanted).id
    except NotFound as fault:  # the key's address is right; it is a field of the body that is not
        raise BadRequest(f"repos: {fault.message}", [Detail("repos", f"there is no repo {wanted[:100]!r}")]) from fault


def list_keys(call: Call) -> ASGIApp:
    return succeed({"keys": [key_object(key) for key in call.services.keys.list(call.caller)]})


def revoke(call: Call) -> ASGIApp:
    return succeed({"key": key_object(call.services.keys.revoke(call.caller, read_id(call.path["key_id"], "key")))})


ROUTES = (
    Route(
        "GET",
        f"{BASE}/keys",
        "listKeys",
        "List keys, without their secrets",
        Scope.ADMIN,
        list_keys,
        (Success(200, "All keys, revoked ones included.", "KeyList"),),
    ),
    Route(
        "POST",
        f"{BASE}/keys",
        "createKey",
        "Make a key; its secret is shown this once",
        Scope.ADMIN,
        create,
        (Success(201, "The key and its secret.", "CreatedKey"),),
        body="KeyRequest",
        refusals=(409,),
    ),
    Route(
        "DELETE",
        f"{BASE}/keys/{{key_id}}",
        "revokeKey",
        "Revoke a key, from its next request on; open streams end within 2 s",
        Scope.ADMIN,
        revoke,
        (Success(200, "The revoked key.", "KeyAnswer"),),
        parameters=(Parameter("keyId", "The key's id.", where="path", required=True),),
        refusals=(404,),
    ),
)
