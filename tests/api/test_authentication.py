"""Who is let in, and what strangers are told."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from mogplex.api.app import ROUTES
from mogplex.domain.access import Scope, generate_key
from mogplex.domain.repo import Repo
from mogplex.store.database import Database
from tests.api.conftest import OpenDoor
from tests.api.door import Door


def make_key(door: Door, *scopes: str, repo_ids: list[str] | None = None, expires_at: float | None = None) -> str:
    return door.house.keys.create(
        door.house.admin, name="test", scopes=scopes, repo_ids=repo_ids, expires_at=expires_at
    )[1]


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({}, "Missing"),
        ({"Authorization": ""}, "scheme"),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, "scheme"),
        ({"Authorization": "Bearer"}, "Missing"),
        ({"Authorization": "Bearer "}, "Missing"),
        ({"Authorization": "Bearer mog_short"}, "mistyped"),
        ({"Authorization": "Bearer " + "mog_" + "ä" * 46}, "mistyped"),
        ({"Authorization": "Bearer " + "x" * 5000}, "mistyped"),
    ],
)
def test_refuses_what_is_no_key(shared_door: Door, headers: Mapping[str, str], word: str) -> None:
    given = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    reply = shared_door.get("/me", given, key=None)
    assert word in reply.refused(401, "UNAUTHORIZED")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_tells_a_typo_from_an_unknown_key(shared_door: Door) -> None:
    typo = shared_door.key[:-1] + ("a" if shared_door.key[-1] != "a" else "b")
    assert "mistyped" in shared_door.get("/me", key=typo).refused(401, "UNAUTHORIZED")
    assert "Unknown" in shared_door.get("/me", key=generate_key()).refused(401, "UNAUTHORIZED")


def test_scheme_is_read_in_any_case(shared_door: Door) -> None:
    assert shared_door.get("/me", {"Authorization": f"bearer   {shared_door.key}"}, key=None).status == 200


def test_refuses_expired_and_revoked_keys(door: Door) -> None:
    short = make_key(door, "read", expires_at=time.time() + 0.3)
    revoked = make_key(door, "read")
    assert door.get("/me", key=short).status == 200
    key_id = door.get("/me", key=revoked).data["id"]
    assert door.send("DELETE", f"/keys/{key_id}").data["key"]["revokedAt"]
    assert "Revoked" in door.get("/me", key=revoked).refused(401, "UNAUTHORIZED")
    time.sleep(0.35)
    assert "Expired" in door.get("/me", key=short).refused(401, "UNAUTHORIZED")


def test_strangers_do_not_learn_which_paths_exist(shared_door: Door) -> None:
    for method, path in [("GET", "/nothing"), ("GET", "/runs"), ("DELETE", "/runs"), ("GET", "//api/"), ("PUT", "")]:
        shared_door.send(method, path, key=None).refused(401, "UNAUTHORIZED")
    shared_door.get("/nothing").refused(404, "NOT_FOUND")
    shared_door.get("//api/v2/runs").refused(404, "NOT_FOUND")
    assert shared_door.get("//nowhere", key=None).refused(404, "NOT_FOUND")


def test_every_route_needs_a_key_and_its_scope(shared_door: Door) -> None:
    """Asked with a key that has one scope too little; authentication is the same code for all."""
    reader, writer = make_key(shared_door, "read"), make_key(shared_door, "write")
    weaker = {Scope.WRITE: reader, Scope.ADMIN: writer}
    asked = 0
    for route in ROUTES:
        path = "/" + route.path.split("/", 4)[4]
        shared_door.send(route.method, path, key=None).refused(401, "UNAUTHORIZED")
        if route.needs in weaker:
            message = shared_door.send(route.method, path, key=weaker[route.needs]).refused(403, "FORBIDDEN")
            assert f"Missing required scope: {route.needs}" in message
            asked += 1
    assert asked >= 8


def test_foreign_repos_are_not_found(door: Door, repo: Repo) -> None:
    other = door.house.add_repo(cloneUrl="/srv/git/other/thing")
    bound = make_key(door, "write", repo_ids=[other.id])
    run_id = door.start(repo).data["runId"]
    for method, path in [
        ("GET", f"/repos/{repo.id}"),
        ("GET", f"/runs/{run_id}"),
        ("GET", f"/runs/{run_id}/events"),
        ("GET", f"/runs/{run_id}/stream"),
        ("GET", f"/runs/{run_id}/patch"),
        ("GET", f"/runs/{run_id}/checks"),
        ("GET", f"/runs/{run_id}/tools"),
        ("POST", f"/runs/{run_id}/cancel"),
        ("POST", f"/runs/{run_id}/retry"),
    ]:
        door.send(method, path, key=bound).refused(404, "NOT_FOUND")
    door.start(repo, "other", key=bound).refused(404, "NOT_FOUND")
    assert [each["id"] for each in door.get("/repos", key=bound).data["repos"]] == [other.id]
    assert door.get("/runs", key=bound).data["runs"] == []


def test_counts_requests_and_says_when_to_come_back(open_door: OpenDoor) -> None:
    door = open_door(requests_per_minute=3)
    for left in ("2", "1", "0"):
        reply = door.get("/models")
        assert (reply.headers["x-ratelimit-limit"], reply.headers["x-ratelimit-remaining"]) == ("3", left)
        assert time.time() < int(reply.headers["x-ratelimit-reset"]) <= time.time() + 62
    refused = door.get("/models")
    refused.refused(429, "RATE_LIMITED")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-remaining"] == "0"
    # A scope that is lacking, a path that is not there: both come after the limit.
    door.get("/nothing").refused(429, "RATE_LIMITED")


def test_limit_headers_are_on_refusals_too(shared_door: Door) -> None:
    reader = make_key(shared_door, "read")
    for reply in (
        shared_door.get("/nothing"),
        shared_door.get("/runs?bad=1"),
        shared_door.get("/keys", key=reader),
        shared_door.send("PUT", "/me"),
    ):
        assert reply.status in (400, 403, 404, 405)
        assert reply.headers["x-ratelimit-limit"] == "1000000"


def test_a_database_that_is_away_is_503_and_never_401(door: Door, database: Database) -> None:
    with database.engine.begin() as connection:
        names = sa.inspect(connection).get_table_names()
        table = next(name for name in names if "key" in name)
        connection.exec_driver_sql(f'ALTER TABLE "{table}" RENAME TO "away"')
    reply = door.get("/me")
    reply.refused(503, "SERVICE_UNAVAILABLE")
    assert int(reply.headers["retry-after"]) >= 1
