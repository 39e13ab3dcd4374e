"""Repos: added once, found by id or name, changed field by field."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mogplex.domain.budget import Budget
from mogplex.domain.errors import BadRequest, Conflict, Forbidden, NotFound, WorkspaceError
from mogplex.domain.repo import DEFAULT_PUSH_BRANCHES, RemoteFacts, Repo
from mogplex.service.repo_settings import read_settings
from mogplex.service.repos import Repos, name_from
from tests.house import HARNESSES, House, ending

EVERYTHING: dict[str, Any] = {
    "name": "acme/tools",
    "cloneUrl": "https://git.example/acme/tools.git",
    "defaultBranch": "trunk",
    "rootDirectory": "./app//web/",
    "setup": ["make deps"],
    "checks": ["pytest -q", "ruff check"],
    "env": {"TOKEN": "secret"},
    "allowHosts": ["pypi.example", "*.cdn.example:443"],
    "pushBranches": ["bots/*"],
    "harness": "codex",
    "budget": {"usd": 1.5, "toolCalls": 10},
    "timeoutSeconds": 60,
}


def test_every_setting_is_kept(house: House) -> None:
    repo, created = house.repos.add(house.admin, EVERYTHING)
    assert created
    assert house.repos.get(house.admin, repo.id) == repo == house.repos.get(house.admin, "acme/tools")
    assert (repo.full_name, repo.clone_url, repo.default_branch) == ("acme/tools", EVERYTHING["cloneUrl"], "trunk")
    assert (repo.root_directory, repo.setup, repo.checks) == ("app/web", ("make deps",), ("pytest -q", "ruff check"))
    assert (repo.environment, repo.allow_hosts) == ({"TOKEN": "secret"}, ("pypi.example", "*.cdn.example:443"))
    assert (repo.push_branches, repo.default_harness) == (("bots/*",), "codex")
    assert (repo.budget, repo.timeout_seconds) == (Budget(usd=1.5, tool_calls=10), 60.0)


def test_what_is_left_out_is_looked_up_or_plain(house: House) -> None:
    repo, _ = house.repos.add(house.admin, {"cloneUrl": "/srv/git/acme/widgets.git/"})
    assert (repo.full_name, repo.default_branch, repo.push_branches) == ("acme/widgets", "main", DEFAULT_PUSH_BRANCHES)
    assert (repo.setup, repo.checks, repo.environment, repo.default_harness) == ((), (), {}, None)


def test_adding_the_same_one_twice_gives_the_same_id(house: House) -> None:
    repo, _ = house.repos.add(house.admin, EVERYTHING)
    assert house.repos.add(house.admin, {"cloneUrl": EVERYTHING["cloneUrl"]}) == (repo, False)
    assert house.repos.add(house.admin, EVERYTHING) == (repo, False)
    with pytest.raises(Conflict, match=rf"checks.*PATCH /repos/{repo.id}"):
        house.repos.add(house.admin, {"cloneUrl": EVERYTHING["cloneUrl"], "checks": ["true"]})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cloneUrl": None}, "cloneUrl"),
        ({"cloneUrl": " "}, "cloneUrl"),
        ({"cloneUrl": 7}, "cloneUrl"),
        ({"cloneUrl": "relative/path"}, "cloneUrl"),
        ({"cloneUrl": "--upload-pack=evil"}, "cloneUrl"),
        ({"cloneUrl": "ext::sh -c evil"}, "cloneUrl"),
        ({"cloneUrl": "/srv/../etc"}, "cloneUrl"),
        ({"cloneUrl": "https://me:hunter2@git.example/a/b"}, "cloneUrl"),
        ({"cloneUrl": "https://git.example/a\x00b"}, "cloneUrl"),
        ({"name": "no-slash"}, "name"),
        ({"name": "../.."}, "name"),
        ({"defaultBranch": "-x"}, "defaultBranch"),
        ({"rootDirectory": "../x"}, "rootDirectory"),
        ({"rootDirectory": 1}, "rootDirectory"),
        ({"setup": "make"}, "setup"),
        ({"checks": [""]}, "checks[0]"),
        ({"env": {"1X": "y"}}, "env.1X"),
        ({"allowHosts": ["http://x"]}, "allowHosts[0]"),
        ({"allowHosts": "x"}, "allowHosts"),
        ({"pushBranches": ["a b"]}, "pushBranches[0]"),
        ({"harness": "gpt"}, "harness"),
        ({"budget": {"euro": 1}}, "budget.euro"),
        ({"budget": 5}, "budget"),
        ({"timeoutSeconds": 0}, "timeoutSeconds"),
        ({"timeoutSeconds": True}, "timeoutSeconds"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_settings({**EVERYTHING, **change}, HARNESSES, creating=True)
    assert [detail.field for detail in caught.value.details] == [field]
    assert "hunter2" not in caught.value.message


def test_all_faults_are_told_at_once(house: House) -> None:
    with pytest.raises(BadRequest) as caught:
        house.repos.add(house.admin, {"name": "x", "timeoutSeconds": -1, "colour": "red"})
    assert {detail.field for detail in caught.value.details} == {"name", "timeoutSeconds", "colour", "cloneUrl"}
    assert house.repos.list(house.admin).items == []


def test_what_the_remote_says_is_told(house: House) -> None:
    def add(facts: RemoteFacts) -> Repo:
        return Repos(house.database, lambda url, credential: facts, HARNESSES, house.vault).add(
            house.admin, {"cloneUrl": "/srv/x"}
        )[0]

    with pytest.raises(BadRequest, match="no commit yet"):
        add(RemoteFacts("main", empty=True))
    with pytest.raises(BadRequest, match="--default-branch"):
        add(RemoteFacts(None, empty=False))
    assert add(RemoteFacts("trunk", empty=False)).default_branch == "trunk"


def test_a_remote_that_cannot_be_read_adds_nothing(house: House) -> None:
    def refuse(url: str, credential: object) -> RemoteFacts:
        raise WorkspaceError(f"{url} cannot be read")

    with pytest.raises(WorkspaceError):
        Repos(house.database, refuse, HARNESSES, house.vault).add(house.admin, {"cloneUrl": "/srv/x"})
    assert house.repos.list(house.admin).items == []


def test_settings_are_changed_one_by_one_and_put_back_by_null(house: House) -> None:
    repo, _ = house.repos.add(house.admin, EVERYTHING)
    changed = house.repos.update(house.admin, repo.id, {"checks": ["true"], "budget": None, "pushBranches": None})
    assert (changed.checks, changed.budget, changed.push_branches) == (("true",), Budget(), DEFAULT_PUSH_BRANCHES)
    assert (changed.setup, changed.full_name) == (repo.setup, repo.full_name)
    assert changed.updated_at >= repo.updated_at
    assert house.repos.update(house.admin, repo.id, {}) == changed
    for body in ({"cloneUrl": "/srv/y"}, {"name": None}, {"defaultBranch": None}, {"id": "x"}):
        with pytest.raises(BadRequest):
            house.repos.update(house.admin, repo.id, body)
    with pytest.raises(NotFound):
        house.repos.update(house.admin, "repo_" + "0" * 24, {"checks": []})


def test_a_repo_with_active_runs_stays(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    with pytest.raises(Conflict, match="1 active run"):
        house.repos.remove(house.admin, repo.id)
    claimed = house.claim(run)
    with pytest.raises(Conflict):
        house.repos.remove(house.admin, repo.id)
    house.attempts.finish(claimed, ending())
    house.repos.remove(house.admin, repo.id)
    with pytest.raises(NotFound):
        house.repos.get(house.admin, repo.id)
    assert house.runs.get(house.admin, run.id).repo_full_name == repo.full_name


def test_lists_are_paged_by_name_and_searched(house: House) -> None:
    for number in range(7):
        house.add_repo(cloneUrl=f"/srv/git/acme/r{number}")
    house.add_repo(cloneUrl="/srv/git/Other/100%_wild")
    names, cursor = [], None
    while True:
        page = house.repos.list(house.admin, None, 3, cursor)
        names += [repo.full_name for repo in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(names) == len(set(names)) == 8
    assert [repo.full_name for repo in house.repos.list(house.admin, "ACME/R3").items] == ["acme/r3"]
    assert len(house.repos.list(house.admin, "%").items) == 1  # a wildcard is a character like any other
    bound = house.caller("read", repo_ids=[house.repos.get(house.admin, "acme/r1").id])
    assert [repo.full_name for repo in house.repos.list(bound).items] == ["acme/r1"]
    with pytest.raises(NotFound):
        house.repos.get(bound, "acme/r2")


def test_cursors_that_were_not_given_are_refused(house: House) -> None:
    for cursor in ("", "x", "bm90IGpzb24", "WzFd", "WzEsMl0", "🦖", "WyJhXHUwMDAwIiwiYiJd"):
        with pytest.raises(BadRequest, match="cursor"):
            house.repos.list(house.admin, None, 3, cursor)


def test_names_that_lead_nowhere_are_not_found(house: House) -> None:
    for name in ("", "\x00", "repo_x", "a/b/c", "../..", "acme/nothing", "repo_" + "f" * 24):
        with pytest.raises(NotFound):
            house.repos.get(house.admin, name)


def test_only_admins_change_repos(house: House, repo: Repo) -> None:
    writer = house.caller("write")
    with pytest.raises(Forbidden):
        house.repos.add(writer, {"cloneUrl": "/srv/z"})
    with pytest.raises(Forbidden):
        house.repos.update(writer, repo.id, {})
    with pytest.raises(Forbidden):
        house.repos.remove(writer, repo.id)


@pytest.mark.parametrize(
    ("clone_url", "name"),
    [
        ("https://github.example/acme/widgets.git", "acme/widgets"),
        ("git@github.example:acme/widgets.git", "acme/widgets"),
        ("ssh://git@host:2222/group/sub/widgets", "sub/widgets"),
        ("/srv/my repos/widgets", "my-repos/widgets"),
        ("/widgets", "local/widgets"),
        ("/", "local/repo"),
    ],
)
def test_names_come_from_clone_urls(clone_url: str, name: str) -> None:
    assert name_from(clone_url) == name


def test_nobody_s_variable_is_lost_to_another_admin(house: House) -> None:
    """Ten at one moment, each with a variable of its own, while one that nobody wants is removed."""
    repo = house.add_repo(env={"OLD": "1"})
    gate = threading.Barrier(10)

    def change(number: int) -> None:
        gate.wait(30)
        house.repos.change_variables(house.admin, repo.id, {f"V{number}": str(number)})
        if number == 0:
            house.repos.change_variables(house.admin, repo.id, {"OLD": None})

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(change, range(10)))
    assert house.repos.get(house.admin, repo.id).environment == {f"V{number}": str(number) for number in range(10)}
    with pytest.raises(NotFound, match="no variable 'OLD'"):
        house.repos.change_variables(house.admin, repo.id, {"OLD": None})
    with pytest.raises(BadRequest, match="no valid name"):
        house.repos.change_variables(house.admin, repo.id, {"a b": "1"})


def test_settings_replace_only_what_was_seen(house: House) -> None:
    """Two admins save the form that both had opened: one of them is told, and nothing is lost."""
    seen = house.add_repo()
    gate = threading.Barrier(2)

    def save(check: str) -> str:
        gate.wait(30)
        try:
            house.repos.update(house.admin, seen.id, {"checks": [check]}, seen_at=seen.updated_at)
        except Conflict as fault:
            assert "by somebody else" in fault.message
            return "refused"
        return check

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(save, ["one", "two"]))
    now = house.repos.get(house.admin, seen.id)
    assert sorted(told) == sorted(["refused", *now.checks])
    assert house.repos.update(house.admin, seen.id, {"checks": ["three"]}, seen_at=now.updated_at).checks == ("three",)


def test_parts_of_a_setting_that_two_change_at_once_are_both_kept(house: House) -> None:
    repo = house.add_repo(hooks={"on": ["label"]})
    gate = threading.Barrier(2)

    def change(hooks: dict[str, Any]) -> None:
        gate.wait(30)
        house.repos.update(house.admin, repo.id, {"hooks": hooks})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change, [{"label": "mend"}, {"delivery": "branch"}]))
    hooks = house.repos.get(house.admin, repo.id).hooks
    assert (hooks.label, hooks.delivery) == ("mend", "branch")
