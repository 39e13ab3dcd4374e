from __future__ import annotations

import pytest

from mogplex.domain.repo import Repo, full_name_fault


def repo(**settings: object) -> Repo:
    return Repo("repo_1", "owner/name", "/srv/name", "main", 0.0, 0.0, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["owner/name", "a/b", "my-org/my.repo_2", "a" * 100 + "/" + "b" * 100, "./x.y".replace("./", "o/")]
)
def test_full_names(name: str) -> None:
    assert full_name_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "name",
        "a/b/c",
        "/b",
        "a/",
        "../b",
        "a/..",
        "./b",
        "a b/c",
        "a/b\n",
        "é/b",
        "a/" + "b" * 101,
        "-\x00/b",
        "a\\b",
    ],
)
def test_other_names_are_refused_with_the_shape_that_is_wanted(name: str) -> None:
    fault = full_name_fault(name)
    assert fault is not None
    assert "owner/name" in fault


def test_only_our_own_branches_may_be_pushed_to_unless_the_owner_says_more() -> None:
    assert repo().may_push_to("mogplex/run/1-2")
    assert not repo().may_push_to("main")
    assert not repo().may_push_to("Mogplex/x")
    assert repo(push_branches=("main", "agents/*")).may_push_to("agents/x/y")
    assert not repo(push_branches=("main", "agents/*")).may_push_to("mogplex/x")
    assert not repo(push_branches=()).may_push_to("mogplex/x")
