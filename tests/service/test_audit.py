"""The audit log: written with the act or not at all, and never with a value that may be secret."""

from __future__ import annotations

import dataclasses

import pytest

from mogplex.domain.access import KEY_LENGTH, Origin, generate_key
from mogplex.domain.audit import Action
from mogplex.domain.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized
from mogplex.domain.repo import Repo
from mogplex.service import keys
from mogplex.service.sign_ins import MOST_SOURCES, OTHERS, SignIns
from tests.house import House

HERE = Origin("192.0.2.7", "req_1")


def actions(house: House, **filters: str) -> list[str]:
    return [str(entry.action) for entry in house.audit.list(house.admin, limit=200, **filters).items]


def test_each_act_is_one_entry_with_who_where_and_what(house: House) -> None:
    admin = dataclasses.replace(house.admin, origin=HERE)
    repo, _ = house.repos.add(admin, {"cloneUrl": "/srv/git/acme/w", "env": {"A": "hush-hush"}, "pushBranches": ["*"]})
    house.repos.update(admin, repo.id, {"env": {"A": "hush-hush"}, "timeoutSeconds": 60})
    house.secrets.put(admin, repo.id, "TOKEN", {"value": "hush-hush", "phases": ["checks"]})
    house.secrets.remove(admin, repo.id, "TOKEN")
    key, _ = house.keys.create(admin, name="ci", scopes=["write"])
    house.keys.revoke(admin, key.id)
    house.keys.revoke(admin, key.id)  # again changes nothing, and is no act
    run = house.start(repo, caller=admin, createBranch=True).run
    house.start(repo, caller=admin, createBranch=True)  # a replay is no act
    house.runs.cancel(admin, run.id)
    retried = house.runs.retry(admin, run.id, {}).run
    sandbox_id = str(house.claim(retried).sandbox_record_id)
    house.sandboxes.stop(admin, sandbox_id)
    entries = house.audit.list(house.admin).items
    assert [(str(each.action), each.target) for each in reversed(entries)] == [
        ("repo.added", repo.id),
        ("repo.changed", repo.id),
        ("secret.set", "TOKEN"),
        ("secret.removed", "TOKEN"),
        ("key.created", key.id),
        ("key.revoked", key.id),
        ("run.started", run.id),
        ("run.cancelled", run.id),
        ("run.retried", retried.id),
        ("sandbox.stopped", sandbox_id),
    ]
    assert {(e.key_id, e.key_name, e.owner, e.address, e.request_id) for e in entries} == {
        (admin.key_id, "admin", "admin", HERE.address, HERE.request_id)
    }
    assert "hush-hush" not in str(entries)
    assert dict(entries[-2].detail) == {"fields": ["environment", "timeout_seconds"]}


def test_what_is_refused_is_no_act(house: House, repo: Repo) -> None:
    before = actions(house)
    for refused in (
        lambda: house.repos.add(house.admin, {"cloneUrl": repo.clone_url, "timeoutSeconds": 7}),
        lambda: house.secrets.remove(house.admin, repo.id, "NONE"),
        lambda: house.start(repo, baseBranch="-x"),
    ):
        with pytest.raises((BadRequest, Conflict, NotFound)):
            refused()
    assert actions(house) == before


def test_admins_read_it_within_their_repos_and_page_by_page(house: House, repo: Repo) -> None:
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    with pytest.raises(Forbidden):
        house.audit.list(house.caller("write"))
    bound = house.caller("admin", repo_ids=[other.id])
    assert {entry.repo_id for entry in house.audit.list(bound).items} == {other.id}
    found, cursor = [], None
    while True:
        page = house.audit.list(house.admin, limit=1, cursor=cursor)
        found += [entry.id for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [entry.id for entry in house.audit.list(house.admin).items]
    assert found == sorted(found, reverse=True)
    assert set(actions(house, action="repo.added")) == {"repo.added"}
    assert actions(house, target=other.id) == ["repo.added"]
    assert actions(house, key_id="key_none") == []
    with pytest.raises(BadRequest, match="is not known"):
        actions(house, action="x")


def test_refused_sign_ins_make_a_number_grow_and_not_the_table(house: House) -> None:
    revoked, secret = house.keys.create(house.admin, name="old", scopes=["read"])
    house.keys.revoke(house.admin, revoked.id)
    for _ in range(3):
        for given in (generate_key(), "mog_" + "x" * (KEY_LENGTH - 4), secret):
            with pytest.raises(Unauthorized):
                house.keys.authenticate(given, HERE)
        house.sign_ins.flush()
    with pytest.raises(Unauthorized):
        house.keys.authenticate("", HERE)  # nothing was tried
    refused = house.audit.list(house.admin, action=Action.SIGN_IN_REFUSED).items
    assert {(each.target, each.key_id, each.address, each.count) for each in refused} == {
        ("unknown", None, HERE.address, 3),
        ("malformed", None, HERE.address, 3),
        ("revoked", revoked.id, HERE.address, 3),
    }
    assert secret not in str(refused)


def test_refusals_from_everywhere_stay_countable(house: House) -> None:
    counted = SignIns(house.database)
    for number in range(MOST_SOURCES + 500):
        counted.refused(Origin(f"198.51.{number // 256}.{number % 256}"), "unknown", None)
    counted.flush()
    (others,) = [e for e in house.audit.list(house.admin, action="sign_in.refused").items if e.address == OTHERS]
    assert others.count == 500


def test_a_key_is_compared_in_a_time_that_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are looked up by what everybody may know of them; only the constant-time function compares hashes."""
    compared: list[tuple[str, str]] = []
    real = keys.is_same_hash

    def watch(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(keys, "is_same_hash", watch)
    assert house.keys.authenticate(house.secret).key_id == house.admin.key_id
    assert len(compared) == 1
    twin = next(key for key in iter(generate_key, None) if key != house.secret)
    monkeypatch.setattr(keys, "SHOWN_CHARACTERS", 4)  # as if another key began with the same letters
    monkeypatch.setattr(keys.key_table, "find_by_prefix", lambda tx, prefix: [(None, compared[0][0])])
    with pytest.raises(Unauthorized, match="Unknown API key"):
        house.keys.authenticate(twin)
    assert len(compared) == 2
