"""Which files decide what a check says."""

from __future__ import annotations

import pytest

from mogplex.domain.check_files import CheckFiles

FILES = CheckFiles(("golden/*", "!tests/notes.md"), ("python -m pytest -q", "sh scripts/verify.sh"))


@pytest.mark.parametrize(
    "path", ["tests/a.py", "src/pkg/tests/x.txt", "test_a.py", "pkg/a_test.py", "a/b/conftest.py", "pytest.ini"]
)
def test_tests_and_what_configures_them(path: str) -> None:
    assert CheckFiles().is_test(path)
    assert CheckFiles().is_guarded(path)
    assert CheckFiles().is_depended_on(path)


@pytest.mark.parametrize("path", ["src/app.py", "latest.py", "contest/a.py", "testimony.py", "README.md"])
def test_other_files(path: str) -> None:
    assert not FILES.is_depended_on(path)


@pytest.mark.parametrize("path", ["pyproject.toml", "scripts/verify.sh"])
def test_what_the_checks_name_and_what_steers_them_is_guarded_but_no_test(path: str) -> None:
    assert FILES.is_guarded(path)
    assert not FILES.is_test(path)
    assert not CheckFiles().is_depended_on(path)


def test_lock_files_are_depended_on_only() -> None:
    assert FILES.is_depended_on("web/package-lock.json")
    assert not FILES.is_guarded("web/package-lock.json")


def test_patterns_of_the_repo_add_and_take_out() -> None:
    assert FILES.is_test("golden/output.txt")
    assert not FILES.is_depended_on("tests/notes.md")


def test_a_root_folder_has_files_of_its_own() -> None:
    below = CheckFiles(commands=("make test",), root="services/api")
    assert below.is_guarded("services/api/Makefile")
    assert not below.is_guarded("services/web/Makefile")


def test_touched_keeps_the_order() -> None:
    assert FILES.touched(["b.py", "tests/z.py", "conftest.py"]) == ("tests/z.py", "conftest.py")
