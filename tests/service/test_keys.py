"""Keys: who a secret stands for, and what becomes of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mogplex.domain.access import Scope, generate_key
from mogplex.domain.errors import BadRequest, Forbidden, MogplexError, NotFound, ServiceUnavailable, Unauthorized
from mogplex.service.keys import Keys
from mogplex.service.sign_ins import SignIns
from mogplex.store.database import Database
from tests.clock import Clock
from tests.house import House


def test_the_first_key_is_made_once(house: House) -> None:
    assert house.keys.create_first() is None
    assert house.admin.scopes == frozenset(Scope)


def test_secrets_that_are_no_key_are_told_apart(house: House) -> None:
    for secret in ("", "  "):
        with pytest.raises(Unauthorized, match="Missing"):
            house.keys.authenticate(secret)
    for secret in ("hello", "mog_" + "a" * 46, "mog_\x00", house.secret + "x", house.secret[:-1]):
        with pytest.raises(Unauthorized, match="Malformed"):
            house.keys.authenticate(secret)


def test_a_key_of_another_server_is_told(house: House) -> None:
    with pytest.raises(Unauthorized, match="Unknown"):
        house.keys.authenticate(generate_key())


def test_a_mistyped_key_is_not_an_unknown_one(house: House) -> None:
    swapped = house.secret[:-8] + ("x" if house.secret[-8] != "x" else "y") + house.secret[-7:]
    with pytest.raises(Unauthorized, match="Malformed"):
        house.keys.authenticate(swapped)


def test_a_revoked_key_is_told_from_the_next_request_on(house: House) -> None:
    key, secret = house.keys.create(house.admin, name="ci", scopes=["write"])
    caller = house.keys.authenticate(f" {secret}\n")
    assert (caller.key_id, caller.scopes) == (key.id, frozenset({Scope.READ, Scope.WRITE}))
    assert house.keys.is_live(key.id)
    revoked = house.keys.revoke(house.admin, key.id)
    assert revoked.revoked_at is not None
    with pytest.raises(Unauthorized, match="Revoked"):
        house.keys.authenticate(secret)
    assert not house.keys.is_live(key.id)
    assert house.keys.revoke(house.admin, key.id) == revoked


def test_an_expired_key_is_told(database_url: str) -> None:
    clock = Clock()
    database = Database(database_url, clock=clock)
    house = House(database)
    key, secret = house.keys.create(house.admin, name="short", scopes=["read"], expires_at=clock.now + 10)
    assert house.keys.authenticate(secret).key_id == key.id
    clock.now += 11
    with pytest.raises(Unauthorized, match="Expired"):
        house.keys.authenticate(secret)
    assert not house.keys.is_live(key.id)
    house.close()
    database.close()


def test_the_last_use_is_noted_at_most_once_a_minute(database_url: str) -> None:
    clock = Clock()
    database = Database(database_url, clock=clock)
    house = House(database)
    first = clock.now
    for seconds, noted in ((30.0, first), (31.0, first + 61), (1.0, first + 61)):
        clock.now += seconds
        house.keys.authenticate(house.secret)
        assert house.keys.get(house.admin.key_id).last_used_at == noted
    house.close()
    database.close()


def test_only_the_hash_of_a_secret_is_kept(house: House) -> None:
    key, secret = house.keys.create(house.admin, name="ci", scopes=["read"])
    with house.database.read() as tx:
        rows = tx.connection.exec_driver_sql("SELECT * FROM api_keys").all()
    assert secret not in repr(rows)
    assert key.prefix == secret[:12]


SENSELESS: list[dict[str, Any]] = [
    {"name": " ", "scopes": ["read"]},
    {"name": "x" * 101, "scopes": ["read"]},
    {"name": "a\x00", "scopes": ["read"]},
    {"name": "x", "scopes": []},
    {"name": "x", "scopes": ["root"]},
    {"name": "x", "scopes": ["read"], "repo_ids": []},
    {"name": "x", "scopes": ["read"], "repo_ids": ["repo_" + "0" * 24]},
    {"name": "x", "scopes": ["read"], "expires_at": time.time() - 1},
    {"name": "x", "scopes": ["read"], "expires_at": float("nan")},
    {"name": "x", "scopes": ["read"], "owner": ""},
]


def test_keys_that_make_no_sense_are_refused(house: House) -> None:
    for fields in SENSELESS:
        with pytest.raises(BadRequest):
            house.keys.create(house.admin, **fields)
    assert len(house.keys.list(house.admin)) == 1


def test_only_admins_handle_keys(house: House) -> None:
    writer = house.caller("write")
    for ask in (
        lambda: house.keys.list(writer),
        lambda: house.keys.create(writer, name="x", scopes=["read"]),
        lambda: house.keys.revoke(writer, house.admin.key_id),
    ):
        with pytest.raises(Forbidden, match="admin"):
            ask()


def test_a_bound_admin_cannot_reach_beyond_its_repos(house: House) -> None:
    mine, other = house.add_repo(), house.add_repo(cloneUrl="/srv/git/acme/other")
    bound = house.caller("admin", repo_ids=[mine.id])
    assert house.keys.create(bound, name="x", scopes=["read"])[0].repo_ids == (mine.id,)
    with pytest.raises(Forbidden):
        house.keys.create(bound, name="x", scopes=["read"], repo_ids=[mine.id, other.id])
    with pytest.raises(NotFound):
        house.keys.revoke(bound, house.admin.key_id)
    assert {key.name for key in house.keys.list(bound)} == {"x", "test"}
    with pytest.raises(Forbidden):
        house.repos.add(bound, {"cloneUrl": "/srv/new"})


def test_keys_that_are_not_there_are_not_found(house: House) -> None:
    for key_id in ("", "key_", "key_" + "0" * 24, "\x00", "run_" + "0" * 24):
        with pytest.raises(NotFound):
            house.keys.get(key_id)
        with pytest.raises(NotFound):
            house.keys.revoke(house.admin, key_id)


def test_a_database_that_is_away_never_means_unauthorized() -> None:
    database = Database("postgresql://nobody@127.0.0.1:9/nothing")
    keys = Keys(database, SignIns(database))
    with pytest.raises(MogplexError) as caught:
        keys.authenticate(generate_key())
    assert isinstance(caught.value, ServiceUnavailable)
