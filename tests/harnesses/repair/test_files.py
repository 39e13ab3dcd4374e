"""Which files may be blamed: what only serves the tests may not, for they pass when it does nothing."""

from __future__ import annotations

import pytest

from mogplex.harnesses.repair.engine.files import is_test_path

from .conftest import Repo


@pytest.mark.parametrize(
    "path",
    [
        "tests/tools.py", "unittests/utility.py", "pkg/test/data.py", "src/pkg_tests/tools.py", "functional_tests/a.py",
        "tests_slow/a.py", "testsuite/a.py", "a/integrationtests/b.py", "conftest.py", "pkg/test_a.py", "a_test.py",
    ],
)  # fmt: skip
def test_what_serves_the_tests_is_one_of_them(path: str) -> None:
    assert is_test_path(path)


@pytest.mark.parametrize(
    "path",
    ["pkg/a.py", "testfixtures/a.py", "testing/a.py", "contest/a.py", "latest/a.py", "pkg/tester.py", "test2/a.py"],
)
def test_what_only_sounds_like_it_is_none(path: str) -> None:
    assert not is_test_path(path)


def test_an_edit_that_keeps_the_tests_from_running_is_never_proposed(repo: Repo) -> None:
    repo.write(
        unittests__runner__py="def run(steps):\n    while steps:\n        steps.pop()()\n",
        price__py="def double(a):\n    return a + 3\n",
        unittests__test_price__py="from price import double\nfrom runner import run\n\n\ndef check(a):\n"
        "    def step():\n        assert double(a) == 2 * a\n    return step\n\n\n"
        "def test_double():\n    run([check(2), check(5)])\n",
    )
    outcome = repo.repair()
    assert "price.py" in outcome.end["summary"] and "runner.py" not in outcome.end["summary"]
