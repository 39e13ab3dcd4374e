"""Secrets of repos: sealed with a key that the database doesn't have, opened for workers only."""

from __future__ import annotations

import secrets
import subprocess

import pytest
import sqlalchemy as sa

from mogplex.domain.errors import BadRequest, Conflict, Forbidden, NotFound, WorkspaceError
from mogplex.domain.repo import Repo
from mogplex.domain.secret import Phase, versions_of
from mogplex.service.known_secrets import KnownSecrets
from mogplex.service.secrets import Secrets
from mogplex.service.vault import Vault
from mogplex.store.schema import metadata
from tests.house import VAULT_KEY, House, PlainSanitiser

VALUE = "s3cret-of-the-owner"


def put(
    house: House, repo: Repo, name: str = "TOKEN", value: str = VALUE, phases: tuple[str, ...] = ("checks",)
) -> bool:
    return house.secrets.put(house.admin, repo.id, name, {"value": value, "phases": list(phases)})[1]


def notes(house: House, repo: Repo) -> dict[str, tuple[Phase, ...]]:
    return {note.name: note.phases for note in house.repos.get(house.admin, repo.id).secrets}


def version(house: House, repo: Repo) -> tuple[str, ...]:
    return versions_of(house.repos.get(house.admin, repo.id).secrets, Phase.CHECKS)


def opened(house: House, repo: Repo) -> dict[str, str]:
    run = house.start(repo, key=secrets.token_hex(4), createBranch=True).run
    return {each.name: each.value for each in house.attempts.open_secrets(run)}


def test_what_is_set_is_opened_for_a_worker_and_told_to_nobody(house: House, repo: Repo) -> None:
    assert put(house, repo) is True
    assert put(house, repo, phases=("setup", "checks", "setup")) is False
    assert notes(house, repo) == {"TOKEN": (Phase.SETUP, Phase.CHECKS)}
    assert opened(house, repo) == {"TOKEN": VALUE}
    with house.database.read() as tx:
        stored = str([tuple(row) for table in metadata.sorted_tables for row in tx.execute(sa.select(table))])
    assert "TOKEN" in stored
    assert VALUE not in stored
    assert VALUE not in repr(house.repos.get(house.admin, repo.id))


def test_a_version_changes_with_the_value_and_not_with_the_phases(house: House, repo: Repo) -> None:
    put(house, repo)
    before = version(house, repo)
    put(house, repo, phases=("checks", "agent"))
    assert version(house, repo) == before
    put(house, repo, value="something else")
    assert version(house, repo) != before


def test_a_git_credential_is_alone_and_usable(house: House, repo: Repo) -> None:
    with pytest.raises(BadRequest, match="must not enter a sandbox"):
        put(house, repo, phases=("git", "agent"))
    put(house, repo, name="DEPLOY", phases=("git",))
    with pytest.raises(Conflict, match="DEPLOY is this repo's git credential"):
        put(house, repo, name="OTHER", phases=("git",))
    with pytest.raises(BadRequest, match="it has blanks"):
        put(house, repo, name="DEPLOY", value="two words", phases=("git",))


@pytest.mark.parametrize(("password", "said"), [("", None), ("word", "private key with a password")])
def test_a_private_key_must_need_no_password(
    house: House, repo: Repo, tmp_path: object, password: str, said: str
) -> None:
    path = f"{tmp_path}/key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", password, "-f", path], check=True)
    with open(path, encoding="ascii") as file:
        key = file.read()
    if said is None:
        put(house, repo, value=key, phases=("git",))
        with pytest.raises(BadRequest, match="can't be read as one"):
            put(house, repo, value=key.replace("\n", "\nA", 3), phases=("git",))
    else:
        with pytest.raises(BadRequest, match=said):
            put(house, repo, value=key, phases=("git",))


def test_a_repo_is_registered_with_its_credential(house: House) -> None:
    body = {"cloneUrl": "https://git.example.org/a/b.git", "gitCredential": "tok-12345678"}
    repo, created = house.repos.add(house.admin, body)
    assert created
    assert notes(house, repo) == {"GIT_CREDENTIAL": (Phase.GIT,)}
    assert house.repos.add(house.admin, body) == (repo, False)
    with pytest.raises(Conflict, match="another git credential"):
        house.repos.add(house.admin, {**body, "gitCredential": "tok-87654321"})
    with pytest.raises(BadRequest, match="gitCredential is not a known field"):
        house.repos.update(house.admin, repo.id, {"gitCredential": "tok-12345678"})


def test_faults_are_told_without_the_value(house: House, repo: Repo) -> None:
    for body in (
        {"value": VALUE},
        {"value": VALUE, "phases": ["never"]},
        {"value": VALUE, "phases": ["setup"], "x": 1},
    ):
        with pytest.raises(BadRequest) as refusal:
            house.secrets.put(house.admin, repo.id, "TOKEN", body)
        assert VALUE not in str(refusal.value) + repr(refusal.value.details)
    for name in ("", "1A", "A-B", "A" * 101, "ä"):
        with pytest.raises(BadRequest, match="can't be the name"):
            put(house, repo, name=name)
    for value in ("", "  ", "a\x00b", "x" * 40_000):
        with pytest.raises(BadRequest, match="value must have"):
            put(house, repo, value=value)


def test_only_admins_of_the_repo_set_and_remove(house: House, repo: Repo) -> None:
    put(house, repo)
    with pytest.raises(Forbidden):
        house.secrets.put(house.caller("write"), repo.id, "A", {"value": "b", "phases": ["setup"]})
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    stranger = house.caller("admin", repo_ids=[other.id])
    with pytest.raises(NotFound):
        house.secrets.remove(stranger, repo.id, "TOKEN")
    house.secrets.remove(house.admin, repo.id, "TOKEN")
    assert notes(house, repo) == {}
    with pytest.raises(NotFound, match="has no secret 'TOKEN'"):
        house.secrets.remove(house.admin, repo.id, "TOKEN")
    put(house, repo)
    house.repos.remove(house.admin, repo.id)


def test_keys_are_changed_by_putting_a_new_one_in_front(house: House, repo: Repo) -> None:
    put(house, repo)
    new = Vault.generate_key()
    both = Secrets(house.database, Vault([new, VAULT_KEY]))
    assert (both.reseal(), both.reseal()) == (1, 0)
    with pytest.raises(WorkspaceError, match="can't be opened with the keys at hand"):
        opened(house, repo)  # the old key alone opens nothing any more
    house.vault = Vault([new])
    house.attempts._known_secrets = KnownSecrets(PlainSanitiser, house.vault)
    assert opened(house, repo) == {"TOKEN": VALUE}
    assert Secrets(house.database, Vault([VAULT_KEY])).reseal() == 0  # without the key nothing is lost


def test_a_sealed_value_opens_at_its_place_only() -> None:
    vault = Vault([Vault.generate_key()])
    sealed = vault.seal("repo_1/A", VALUE)
    assert sealed != vault.seal("repo_1/A", VALUE)
    assert vault.open("repo_1/A", sealed) == VALUE
    with pytest.raises(WorkspaceError, match="was sealed for repo_1/A"):
        vault.open("repo_2/A", sealed)
    with pytest.raises(WorkspaceError, match="can't be opened"):
        vault.open("repo_1/A", sealed[:-2] + "==")
    with pytest.raises(BadRequest, match="Key 1 for secrets is none"):
        Vault(["hunter2"])


def test_a_secret_that_a_run_says_is_redacted(house: House, repo: Repo) -> None:
    put(house, repo)
    run = house.claim(house.start(repo, createBranch=True).run)
    house.attempts.update(run, model=f"it is {VALUE}")
    assert house.runs.get(house.admin, run.id).model == "it is [redacted]"
