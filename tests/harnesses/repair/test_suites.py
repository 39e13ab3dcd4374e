"""Suites as people have them: layouts, fixtures, plugins, side effects. One small fault in each."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Repo

PROGRAM = "def total(prices, rate):\n    return sum(prices) - sum(prices) * rate\n"
RIGHT = "sum(prices) + sum(prices) * rate"

SUITES = {
    "parametrised": (
        "import pytest\nfrom till import total\n"
        "@pytest.mark.parametrize('prices, rate, expected', [([10], 0.5, 15), ([], 1, 0), ([1, 2], 0, 3)])\n"
        "def test_total(prices, rate, expected): assert total(prices, rate) == expected\n"
    ),
    "fixtures and files": (
        "import pytest\nfrom till import total\n"
        "@pytest.fixture(scope='module')\ndef prices(): return [10, 20]\n"
        "def test_total(prices, tmp_path, monkeypatch):\n"
        "    monkeypatch.chdir(tmp_path)\n    (tmp_path / 'bill').write_text(str(total(prices, 0.5)))\n"
        "    assert open('bill').read() == '45.0'\n"
        "def test_zero(prices, capsys):\n    print(total(prices, 0))\n    assert capsys.readouterr().out == '30\\n'\n"
    ),
    "asynchronous": (
        "import asyncio, unittest\nfrom till import total\n"
        "class Till(unittest.IsolatedAsyncioTestCase):\n"
        "    async def test_total(self):\n        await asyncio.sleep(0)\n"
        "        self.assertEqual(total([10], 0.5), 15)\n"
        "    async def test_zero(self): self.assertEqual(total([10], 0), 10)\n"
    ),
    "threads, sockets, time and chance": (
        "import random, socket, threading, time\nfrom till import total\n"
        "def test_thread():\n    found = []\n"
        "    thread = threading.Thread(target=lambda: found.append(total([10], 0.5)))\n"
        "    thread.start()\n    thread.join()\n    assert found == [15]\n"
        "def test_socket():\n    one, other = socket.socketpair()\n    one.sendall(str(total([2], 1)).encode())\n"
        "    assert other.recv(9) == b'4'\n"
        "def test_time():\n    before = time.monotonic()\n    assert time.monotonic() >= before and total([], 1) == 0\n"
        "def test_chance():\n    price = random.randint(1, 9)\n    assert total([price], 1) == 2 * price\n"
    ),
    "subtests, skips and expected failures": (
        "import unittest, pytest\nfrom till import total\n"
        "class Till(unittest.TestCase):\n"
        "    def test_total(self):\n        for rate, expected in ((0.5, 15), (1, 20)):\n"
        "            with self.subTest(rate=rate): self.assertEqual(total([10], rate), expected)\n"
        "    def test_zero(self):\n        total([], 0)\n        self.skipTest('not here')\n"
        "    @unittest.expectedFailure\n    def test_one(self): self.assertEqual(total([1], 0), 2)\n"
        "def test_two():\n    total([], 0)\n    pytest.xfail('known')\n"
        "@pytest.mark.xfail(strict=True)\ndef test_three(): assert total([3], 0) == 4\n"
    ),
    "tests that leave off where a known fault begins": (
        "import pytest\nfrom till import total\n"
        "def test_known():\n    assert total([10], 0.5) == 15\n    pytest.skip('the rest is known')\n"
        "def test_total(): assert total([2], 1) == 4\n"
        "def test_zero(): assert total([2], 0) == 2\n"
    ),
    "warnings": (
        "import sys, warnings, pytest\nfrom till import total\n"
        "@pytest.mark.filterwarnings('error')\ndef test_total():\n"
        "    with pytest.raises(UserWarning): warnings.warn('never', stacklevel=1)\n"
        "    assert total([10], 0.5) == 15\n"
        "def test_quiet(capsys):\n    warnings.warn('old', stacklevel=1)\n    assert total([2], 1) == 4\n"
        "    assert capsys.readouterr().err == ''\n"
    ),
    "classes with setup": (
        "from till import total\nclass TestTill:\n    def setup_method(self): self.prices = [10]\n"
        "    def test_total(self): assert total(self.prices, 0.5) == 15\n"
        "    def test_more(self):\n        self.prices.append(2)\n        assert total(self.prices, 1) == 24\n"
    ),
}


def test_a_test_that_fails_only_after_another_is_told_and_nobody_says_that_all_pass(repo: Repo) -> None:
    repo.write(
        till__py="SOLD = []\n\n\ndef sell(thing):\n    SOLD.append(thing)\n",
        test_till__py="import till\ndef test_sell(): till.sell('tea')\ndef test_empty(): assert till.SOLD == []\n",
    )
    summary = repo.repair(seconds=20).end["summary"]
    assert "No test fails each time (1 failed, 1 passed)" in summary and "test_till.py::test_empty" in summary
    assert "All tests pass" not in summary


def test_an_edit_that_makes_the_failing_test_leave_off_is_no_patch(repo: Repo) -> None:
    repo.write(
        till__py="def is_ready():\n    return True\n\n\ndef total(prices):\n    return sum(prices)\n",
        test_till__py="import pytest, till\n"
        "def test_total():\n    if not till.is_ready(): pytest.skip('not ready')\n"
        "    assert till.total([1]) == object()\n",
    )
    outcome = repo.repair(seconds=15)
    assert outcome.end["success"] is False, outcome.end["summary"]
    assert "passed the whole suite" not in outcome.end["summary"], "it was not even tried there"


@pytest.mark.parametrize("tests", SUITES.values(), ids=SUITES.keys())
def test_whatever_the_suite_does_the_fault_is_found(repo: Repo, tests: str) -> None:
    repo.write(till__py=PROGRAM, test_till__py=tests)
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert RIGHT in (repo.root / "till.py").read_text()
    assert outcome.result["flakyTests"] == []
    assert repo.snapshot().keys() == repo.before.keys()
    whole = [record for record in outcome.records if record["type"] == "tool_result"]
    assert [record["ok"] for record in whole] == [False, True], "the search must believe no test that fails"


def test_what_fails_only_because_the_suite_runs_twice_at_once_is_no_target(repo: Repo) -> None:
    lock = "import os, time\ndef test_lock():\n    os.mkdir('busy')\n    time.sleep(0.3)\n    os.rmdir('busy')\n"
    test = "from till import total\ndef test_total(): assert total([10], 0.5) == 15\n"
    repo.write(till__py=PROGRAM, test_lock__py=lock, test_till__py=test)
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert outcome.result["failingTests"] == ["test_till.py::test_total"]


def test_long_values_are_not_explained_for_ever(repo: Repo) -> None:
    test = "from till import total\ndef test_total():\n    bill = [total([n], 0.5) for n in range(2000)]\n"
    test += "    assert '\\n'.join(map(str, bill)) == '\\n'.join(str(n * 1.5) for n in range(2000))\n"
    repo.write(till__py=PROGRAM, test_till__py=test)
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "test_till.py:4: AssertionError: assert" in outcome.records[-1]["result"]["failures"][0]["reason"]


def test_fixtures_that_look_at_reports_get_them(repo: Repo) -> None:
    repo.write(till__py=PROGRAM, test_till__py=SUITES["classes with setup"])
    (repo.root / "conftest.py").write_text(
        "import pytest\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = (yield).get_result()\n    setattr(item, 'report_' + report.when, report)\n"
        "@pytest.fixture(autouse=True)\ndef look(request):\n    yield\n    request.node.report_call.failed\n"
    )
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert RIGHT in (repo.root / "till.py").read_text()


def test_doctests_count_when_the_repo_asks_for_them(repo: Repo) -> None:
    program = (
        'def double(n):\n    """\n    >>> double(4)\n    8\n    >>> double(3)\n    6\n    """\n    return n ** 2\n'
    )
    repo.write(twice__py=program)
    (repo.root / "pytest.ini").write_text("[pytest]\naddopts = --doctest-modules\n")
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "n * 2" in (repo.root / "twice.py").read_text()


def test_every_file_may_count_as_one_of_tests(repo: Repo) -> None:
    """pytest imports those by itself, from the file: not what is put in its place."""
    test = "from till import total\ndef test_total(): assert total([10], 0.5) == 15\n"
    repo.write(till__py=PROGRAM, test_till__py=test, pytest__ini="[pytest]\npython_files = *.py\n")
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert RIGHT in (repo.root / "till.py").read_text()


def test_tests_of_a_plugin_that_runs_coroutines(repo: Repo) -> None:
    tests = (
        "import pytest\nfrom till import total\npytestmark = pytest.mark.anyio\n"
        "@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"
        "@pytest.fixture\nasync def prices(): return [10]\n"
        "async def test_total(prices): assert total(prices, 0.5) == 15\n"
        "async def test_zero(prices): assert total(prices, 0) == 10\n"
    )
    repo.write(till__py=PROGRAM, test_till__py=tests)
    (repo.root / "pytest.ini").write_text("[pytest]\naddopts = -p anyio.pytest_plugin\n")
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert RIGHT in (repo.root / "till.py").read_text()


def test_a_part_of_a_larger_repo(repo: Repo) -> None:
    """`rootDirectory`: the part has a layout of its own, and its neighbours' broken tests are not its business."""
    repo.write(
        services__till__src__till__py=PROGRAM,
        services__till__tests__test_till__py=SUITES["parametrised"],
        services__other__tests__test_till__py="def test_broken(): assert False\n",
        conftest__py="raise RuntimeError('of the whole repo, and not for its parts')\n",
    )
    outcome = repo.repair("--directory", str(repo.root / "services/till"))
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert RIGHT in (repo.root / "services/till/src/till.py").read_text()
    assert outcome.result["patch"]["path"] == "src/till.py"


def test_a_flaky_test_is_named_and_does_not_hide_the_fault(repo: Repo, tmp_path: Path) -> None:
    flips = (
        f"import pathlib\ndef test_flips():\n    flag = pathlib.Path({str(tmp_path / 'flag')!r})\n"
        "    there = flag.exists()\n    flag.unlink() if there else flag.touch()\n    assert there\n"
    )
    repo.write(till__py=PROGRAM, test_till__py=SUITES["parametrised"], test_flips__py=flips)
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert outcome.result["flakyTests"] == ["test_flips.py::test_flips"]
    assert RIGHT in (repo.root / "till.py").read_text()


def test_a_slow_test_is_left_out_and_named(repo: Repo) -> None:
    """One that swallows what ends it as well: a subtest makes a failure of whatever it sees."""
    slow = (
        "import time, unittest\ndef spend(seconds):\n    until = time.process_time() + seconds\n"
        "    while time.process_time() < until: pass\n"
        "class Slow(unittest.TestCase):\n    def test_some(self): spend(0.4)\n"
        "    def test_many(self):\n        for number in range(30):\n"
        "            with self.subTest(number=number): spend(0.2)\n"
    )
    repo.write(till__py=PROGRAM, test_till__py=SUITES["parametrised"], test_slow__py=slow)
    outcome = repo.repair(seconds=40)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert outcome.result["slowTests"] == ["test_slow.py::Slow::test_many"]
    assert outcome.result["failingTests"] and not any("test_slow" in one for one in outcome.result["failingTests"])
    assert "like slow tests: test_slow.py::Slow::test_many" in next(
        one["text"] for one in outcome.records if one["type"] == "message"
    )
    assert RIGHT in (repo.root / "till.py").read_text()


def test_ids_that_are_others_each_time_are_known_again(repo: Repo) -> None:
    now = (
        "import time, pytest\nfrom till import total\n"
        "@pytest.mark.parametrize('price', [0, time.time_ns()])\n"
        "def test_now(price): assert total([price], 0) == price\n"
    )
    repo.write(till__py=PROGRAM, test_till__py=SUITES["parametrised"], test_now__py=now)
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert RIGHT in (repo.root / "till.py").read_text()


def test_a_suite_of_thousands_is_no_obstacle(repo: Repo) -> None:
    many = (
        "import pytest\nfrom till import total\n"
        "@pytest.mark.parametrize('n', range(5000))\ndef test_zero(n): assert total([n], 0) == n\n"
        "def test_rate(): assert total([10], 0.5) == 15\n"
    )
    repo.write(till__py=PROGRAM, test_till__py=many)
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert RIGHT in (repo.root / "till.py").read_text()


def test_the_report_says_why_where_and_what_else_would_pass(repo: Repo) -> None:
    weak = "from till import total\ndef test_one(): assert total([10], 1) == 20\n"
    repo.write(till__py=PROGRAM, test_till__py=weak)
    result = repo.repair().result
    assert "assert 0 == 20" in result["failures"][0]["reason"]
    assert "run by 1 of 1 failing and 0 passing tests" in result["suspects"][0]["evidence"]
    assert len(result["alternatives"]) == min(3, result["otherPlausible"])
    assert all(one["after"] != result["patch"]["after"] for one in result["alternatives"])
    for one in (result["patch"], *result["alternatives"]):
        assert one["before"].rstrip() == PROGRAM.splitlines()[1], "what stood there before the patch was written"
    assert result["patch"]["after"].rstrip() in (repo.root / "till.py").read_text()
    assert "small" in result["patch"]["why"]
    assert {"suite", "edits", "search", "check"} <= result["timing"].keys()
    assert sum(result["triedKinds"].values()) == result["candidatesTried"]


PROGRAM_TOO = PROGRAM + "\n\nif __name__ == '__main__':\n    import sys\n    print(total([10], float(sys.argv[1])))\n"
STARTS_PROGRAM = (
    "import subprocess, sys\nfrom pathlib import Path\nfrom till import total\n"
    "def test_total(): assert total([10], 0.5) == 15\n"
    "def test_program():\n    file = str(Path(__file__).with_name('till.py'))\n"
    "    done = subprocess.run([sys.executable, file, '0.5'], capture_output=True, text=True)\n"
    "    assert done.stdout == {expected!r}\n"
)


def test_a_test_that_starts_the_program_sees_the_patch_before_it_is_believed(repo: Repo) -> None:
    repo.write(till__py=PROGRAM_TOO, test_till__py=STARTS_PROGRAM.format(expected="15.0\n"))
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert RIGHT in (repo.root / "till.py").read_text()
    assert "remainingFailures" not in outcome.result
    assert len(outcome.result["failingTests"]) == 2
    assert repo.snapshot().keys() == repo.before.keys()


def test_a_program_that_fails_for_another_reason_is_named(repo: Repo) -> None:
    repo.write(till__py=PROGRAM_TOO, test_till__py=STARTS_PROGRAM.format(expected="15\n"))
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert outcome.result["remainingFailures"] == ["test_till.py::test_program"]


def test_a_test_that_needs_an_earlier_one_hides_no_fix_behind_a_slow_target(repo: Repo) -> None:
    tests = (
        "import time\nfrom till import total\nSTATE = []\n"
        "def test_first(): STATE.append(1)\n"
        "def test_needs_the_first(): assert STATE and total([], 1) == 0\n"
        "def test_total():\n    time.sleep(0.2)\n    assert total([10], 0.5) == 15\n"
    )
    repo.write(till__py=PROGRAM, test_till__py=tests)
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert RIGHT in (repo.root / "till.py").read_text()


def test_a_test_that_leaves_something_behind_is_not_run_twice_in_one_process(repo: Repo) -> None:
    """The first run of the failing test leaves names in the list, and the right edit would look wrong ever after."""
    repo.write(
        names__py=(
            "KEPT = []\n\n\ndef restore(names):\n    for name in names:\n        if name.startswith('_'):\n"
            "            break\n        KEPT.remove(name)\n"
        ),
        test_names__py=(
            "from names import KEPT, restore\n\n\ndef test_restore():\n    KEPT.extend(['a', 'b'])\n"
            "    restore(['_', 'a', 'b'])\n    assert KEPT == []\n"
        ),
    )
    outcome = repo.repair("--candidates", "40")
    assert outcome.end["success"], outcome.end["summary"]
    assert "            continue\n" in (repo.root / "names.py").read_text()


def test_a_test_that_fails_in_chosen_company_only_does_not_stand_in_the_way(repo: Repo) -> None:
    """The cheaper of two passing tests disturbs the other, unless a third one runs between them, which no edit is tried
    on. And without the right edit the disturbed one hangs."""
    repo.write(
        till__py="def total(prices, rate):\n    return sum(prices) - sum(prices) * rate\n",
        test_till__py=(
            "import time\nfrom till import total\nSEEN = []\n\n\ndef test_first():\n    assert total([], 1) == 0\n"
            "    SEEN.append('first')\n\n\ndef test_between():\n    SEEN.clear()\n\n\ndef test_last():\n"
            "    assert total([], 1) == 0 < sum(range(500_000))\n"
            "    while SEEN and total([1], 1) == 0:\n        time.sleep(1)\n    assert not SEEN\n\n\n"
            "def test_total():\n    assert total([10], 0.5) == 15\n"
        ),
    )
    outcome = repo.repair("--candidates", "300")
    assert outcome.end["success"], outcome.end["summary"]
    assert "sum(prices) + sum(prices) * rate" in (repo.root / "till.py").read_text()


def test_lines_are_recorded_while_no_other_run_stores_anything_in_the_repo(repo: Repo, tmp_path: Path) -> None:
    first = tmp_path / "first"  # the run that takes it away keeps what it has stored until the recorded one has met it
    first.touch()
    repo.write(
        pages__py=(
            "from pathlib import Path\n\n\ndef page(name, text):\n    built = Path(__file__).parent / f'{name}.built'\n"
            "    if not built.exists():\n        built.write_text(text.lower())\n    return built.read_text()\n"
        ),
        test_pages__py=(
            "import sys\nimport time\nfrom pathlib import Path\nfrom pages import page\n\n\ndef test_page():\n"
            f"    first = Path({str(first)!r})\n    if sys.gettrace() is not None:\n        time.sleep(0.5)\n"
            "    made = page('a', 'Hello')\n    if sys.gettrace() is None and first.exists():\n"
            "        first.unlink()\n        time.sleep(1.5)\n    assert made == 'HELLO'\n"
        ),
    )
    outcome = repo.repair()
    assert outcome.end["success"], outcome.end["summary"]
    assert "text.upper()" in (repo.root / "pages.py").read_text()


def test_what_the_broken_code_has_stored_in_the_repo_is_not_believed(repo: Repo) -> None:
    repo.write(
        pages__py=(
            "from pathlib import Path\n\n\ndef page(name, text):\n    built = Path(__file__).parent / f'{name}.built'\n"
            "    if not built.exists():\n        built.write_text(text.lower())\n    return built.read_text()\n"
        ),
        test_pages__py=(
            "from pathlib import Path\nfrom pages import page\n\n\ndef test_page():\n"
            "    assert page('a', 'Hello') == 'HELLO' == (Path(__file__).parent / 'a.built').read_text()\n"
        ),
    )
    outcome = repo.repair()
    assert outcome.end["success"], outcome.end["summary"]
    assert "text.upper()" in (repo.root / "pages.py").read_text()
    assert not (repo.root / "a.built").exists()
