from __future__ import annotations

import hashlib
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.access import (
    KEY_LENGTH,
    ApiKey,
    Caller,
    Scope,
    generate_key,
    hash_key,
    is_well_formed,
    parse_scopes,
)
from mogplex.domain.errors import Forbidden

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def key_with(*scopes: Scope, repo_ids: tuple[str, ...] | None = None, **times: float) -> ApiKey:
    return ApiKey("key_1", "ci", "ops", "mog_abcdefgh", scopes, repo_ids, 0.0, **times)


def test_a_key_is_a_prefix_forty_random_characters_and_the_crc32_of_them() -> None:
    key = generate_key()
    assert len(key) == KEY_LENGTH == 50
    assert key.startswith("mog_")
    assert set(key[4:]) <= set(BASE62)
    number = 0
    for digit in key[-6:]:
        number = number * 62 + BASE62.index(digit)
    assert number == zlib.crc32(key[:-6].encode())
    assert is_well_formed(key)


def test_keys_differ_and_use_the_whole_alphabet() -> None:
    keys = {generate_key() for _ in range(200)}
    assert len(keys) == 200
    assert set("".join(key[4:44] for key in keys)) == set(BASE62)


@given(position=st.integers(0, KEY_LENGTH - 1), character=st.sampled_from(BASE62 + "-_ é"))
def test_every_typo_of_one_character_is_found(position: int, character: str) -> None:
    key = generate_key()
    typo = key[:position] + character + key[position + 1 :]
    assert is_well_formed(typo) == (typo == key)


@given(position=st.integers(4, KEY_LENGTH - 2))
def test_every_swap_of_neighbours_is_found(position: int) -> None:
    key = generate_key()
    swapped = key[:position] + key[position + 1] + key[position] + key[position + 2 :]
    assert is_well_formed(swapped) == (swapped == key)


@given(st.text(max_size=60))
def test_any_text_can_be_asked_about(text: str) -> None:
    assert not is_well_formed(text)
    assert not is_well_formed("mog_" + text)


def test_only_the_hash_is_kept() -> None:
    assert hash_key("mog_x") == hashlib.sha256(b"mog_x").hexdigest()


@pytest.mark.parametrize(
    ("granted", "allowed"),
    [
        ((Scope.READ,), {Scope.READ}),
        ((Scope.WRITE,), {Scope.READ, Scope.WRITE}),
        ((Scope.ADMIN,), set(Scope)),
        ((Scope.READ, Scope.WRITE), {Scope.READ, Scope.WRITE}),
        ((), set()),
    ],
)
def test_a_scope_includes_the_lesser_ones(granted: tuple[Scope, ...], allowed: set[Scope]) -> None:
    caller = Caller.of(key_with(*granted))
    for scope in Scope:
        if scope in allowed:
            caller.require(scope)
        else:
            with pytest.raises(Forbidden, match=f"Missing required scope: {scope}"):
                caller.require(scope)


def test_a_key_bound_to_repos_sees_no_other() -> None:
    bound = Caller.of(key_with(Scope.READ, repo_ids=("repo_1",)))
    assert bound.may_see("repo_1")
    assert not bound.may_see("repo_2")
    assert not Caller.of(key_with(Scope.READ, repo_ids=())).may_see("repo_1")
    assert Caller.of(key_with(Scope.READ)).may_see("repo_2")


def test_a_key_lives_until_it_expires_or_is_revoked() -> None:
    assert key_with(Scope.READ).is_live(now=1e12)
    assert key_with(Scope.READ, expires_at=10.0).is_live(now=9.9)
    assert not key_with(Scope.READ, expires_at=10.0).is_live(now=10.0)
    assert not key_with(Scope.READ, revoked_at=5.0).is_live(now=1.0)


def test_scopes_are_read_in_one_order_and_unknown_ones_refused() -> None:
    assert parse_scopes(["admin", "read", "read"]) == (Scope.READ, Scope.ADMIN)
    with pytest.raises(ValueError, match="owner"):
        parse_scopes(["read", "owner"])
