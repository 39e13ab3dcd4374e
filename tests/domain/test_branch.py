from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mogplex.domain.branch import (
    MAX_BRANCH_CHARACTERS,
    branch_fault,
    clean_root_directory,
    generate_working_branch,
    root_directory_fault,
)

# Made of what git's rules speak about, so that most examples are near a border.
PARTS = st.sampled_from(
    [*"aB-./@{}~^:?*[]\\ \t\x7f\x01é日1_+%$'\"!#\u2028", "..", "@{", ".lock", "lock", "HEAD", "refs/heads/", "main"]
)
NAMES = st.one_of(
    st.lists(PARTS, min_size=1, max_size=5).map("".join),
    st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), min_size=1, max_size=12),
)


def git_accepts(name: str) -> bool:
    # Outside a repo, so that @{-1} can't be resolved to a branch that was checked out before.
    checked = subprocess.run(
        ["git", "check-ref-format", "--branch", name], cwd="/", capture_output=True, timeout=60, check=False
    )
    return checked.returncode == 0


@given(name=NAMES)
@settings(max_examples=250)
def test_we_accept_what_git_accepts_and_refuse_what_git_refuses(name: str) -> None:
    fault = branch_fault(name)
    if fault is None:
        assert git_accepts(name)
    elif name not in ("@",):  # git takes "@" for HEAD here and would create refs/heads/@; we refuse it
        assert not git_accepts(name), fault


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "empty"), ("-f", "begins with '-'"), ("--upload-pack=x", "begins with '-'"), ("a..b", "'..'"),
        ("a b", "' '"), ("a\nb", "git does not allow"), ("a\x00b", "git does not allow"), ("/a", "begins or ends"),
        ("a/", "begins or ends"), ("a//b", "'//'"), ("a.lock", ".lock"), ("a.lock/b", ".lock"), (".a", "with '.'"),
        ("a/.b", "begins with '.'"), ("a.", "ends with '.'"), ("HEAD", "HEAD"), ("@", "'@'"), ("a@{b", "'@{'"),
        ("\ud800", "Unicode"), ("é" * (MAX_BRANCH_CHARACTERS // 2 + 1), "longer than"),
    ],
)  # fmt: skip
def test_a_refusal_says_why(name: str, said: str) -> None:
    fault = branch_fault(name)
    assert fault is not None
    assert said in fault


@pytest.mark.parametrize(
    "name", ["main", "feature/é", "a@b", "x" * MAX_BRANCH_CHARACTERS, "mogplex/run/1a-2b", "#1", "heads/HEAD"]
)
def test_ordinary_names_pass(name: str) -> None:
    assert branch_fault(name) is None


@pytest.mark.parametrize(
    "path",
    ["/etc", "..", "a/../b", "a/..", "a\x00b", ".git", "a/.GIT/hooks", "a\\b", "x" * 1025],
)
def test_folders_outside_the_repo_are_refused(path: str) -> None:
    assert root_directory_fault(path)


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("", ""),
        (".", ""),
        ("./a//b/", "a/b"),
        ("a/./b", "a/b"),
        ("...", "..."),
        (".github", ".github"),
        ("a..b", "a..b"),
    ],
)
def test_folders_inside_are_cleaned(path: str, clean: str) -> None:
    assert root_directory_fault(path) is None
    assert clean_root_directory(path) == clean


@given(st.text(st.sampled_from("ab./\\ \x00"), max_size=12))
def test_a_folder_that_passes_can_not_leave(path: str) -> None:
    if root_directory_fault(path) is None:
        clean = clean_root_directory(path)
        assert ".." not in clean.split("/")
        assert not clean.startswith("/")
        assert clean_root_directory(clean) == clean


@given(st.text(st.characters(blacklist_categories=["Cs"])), st.text(st.characters(blacklist_categories=["Cs"])))
def test_a_generated_branch_depends_on_the_request_alone_and_is_valid(key: str, body: str) -> None:
    name = generate_working_branch(key, body)
    assert name == generate_working_branch(key, body)
    assert branch_fault(name) is None
    assert name.startswith("mogplex/run/")
    assert len(name) == len("mogplex/run/12345678-12345678")
    assert name != generate_working_branch(key + "x", body)
    assert name != generate_working_branch(key, body + "x")
