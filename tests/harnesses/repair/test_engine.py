"""End to end: the real engine on small broken repos."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .conftest import Repo

SEARCH = '''"""Binary search."""


def find(values, wanted):
    low = 0
    high = len(values) - 1
    while low < high:   # an odd comment,  kept
        middle = (low + high) // 2
        if values[middle] == wanted:
            return middle
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1
'''
SEARCH_TESTS = """
from search import find
def test_first(): assert find([1, 2, 3, 4], 1) == 0
def test_last(): assert find([1, 2, 3, 4], 4) == 3
def test_one(): assert find([7], 7) == 0
def test_none(): assert find([], 7) == -1
def test_absent(): assert find([1, 3], 2) == -1
"""


def assert_untouched(repo: Repo) -> None:
    assert repo.snapshot() == repo.before


def test_mends_a_boundary_and_leaves_everything_else_alone(repo: Repo) -> None:
    repo.write(search__py=SEARCH, tests__test_search__py=SEARCH_TESTS)
    (repo.root / "search.py").chmod(0o755)
    outcome = repo.repair()
    assert outcome.end["success"] is True
    after = repo.snapshot()
    assert after.keys() == repo.before.keys(), "nothing but the patch may be left in the tree"
    assert after["search.py"].decode() == SEARCH.replace("low < high", "low <= high")
    assert (repo.root / "search.py").stat().st_mode & 0o777 == 0o755
    assert outcome.result["patch"]["path"] == "search.py"
    assert outcome.result["patch"]["line"] == 7
    assert "while low < high:" in outcome.result["patch"]["before"]
    assert "while low <= high:" in outcome.result["patch"]["after"]
    kinds = [record["type"] for record in outcome.records]
    assert kinds[0] == "hello" and kinds[-1] == "end" and kinds.count("end") == 1
    calls = {record["id"] for record in outcome.records if record["type"] == "tool_call"}
    answers = {record["id"] for record in outcome.records if record["type"] == "tool_result"}
    assert calls == answers
    changed = [record for record in outcome.records if record["type"] == "file_change"]
    assert [(record["path"], record["kind"]) for record in changed] == [("search.py", "modified")]


def test_keeps_windows_line_ends_and_the_encoding(repo: Repo) -> None:
    repo.write(tests__test_search__py=SEARCH_TESTS)
    text = "# -*- coding: latin-1 -*-\n# é\n" + SEARCH
    data = text.replace("\n", "\r\n").encode("latin-1")
    (repo.root / "search.py").write_bytes(data)
    assert repo.repair().end["success"] is True
    assert (repo.root / "search.py").read_bytes() == data.replace(b"low < high", b"low <= high")


def test_mends_swapped_arguments(repo: Repo) -> None:
    program = "def gcd(a, b):\n    if b == 0:\n        return a\n    return gcd(a % b, b)\n"
    tests = "from gcds import gcd\ndef test_a(): assert gcd(12, 18) == 6\ndef test_b(): assert gcd(17, 5) == 1\n"
    repo.write(gcds__py=program, test_gcds__py=tests)
    assert repo.repair().end["success"] is True
    assert "gcd(b, a % b)" in (repo.root / "gcds.py").read_text()


def test_mends_a_missing_guard_for_none(repo: Repo) -> None:
    program = "def shout(text):\n    return text.upper() + '!'\n"
    tests = (
        "from loud import shout\ndef test_a(): assert shout('a') == 'A!'\ndef test_b(): assert shout(None) is None\n"
    )
    repo.write(loud__py=program, test_loud__py=tests)
    outcome = repo.repair()
    assert outcome.end["success"] is True
    assert "None" in outcome.result["patch"]["after"] or "not text" in outcome.result["patch"]["after"]


def test_mends_a_wrong_variable_in_a_package_under_src(repo: Repo) -> None:
    program = "def area(width, height):\n    return width * width\n"
    tests = "from shapes.flat import area\ndef test_a(): assert area(2, 3) == 6\ndef test_b(): assert area(2, 2) == 4\n"
    repo.write(src__shapes____init____py="", tests__test_flat__py=tests)
    (repo.root / "src/shapes").mkdir(parents=True, exist_ok=True)
    (repo.root / "src/shapes/__init__.py").write_text("")
    (repo.root / "src/shapes/flat.py").write_text(program)
    assert repo.repair().end["success"] is True
    assert "height" in (repo.root / "src/shapes/flat.py").read_text().splitlines()[1]


def test_mends_a_loop_that_never_ends(repo: Repo) -> None:
    program = "def digits(number):\n    count = 0\n    while number > 0:\n        number = number // 1\n        count += 1\n    return count\n"  # noqa: E501
    tests = "from count import digits\ndef test_a(): assert digits(0) == 0\ndef test_b(): assert digits(1234) == 4\n"
    repo.write(count__py=program, test_count__py=tests)
    outcome = repo.repair(seconds=50)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "// 10" in (repo.root / "count.py").read_text()


def test_mends_a_table_that_is_made_at_import(repo: Repo) -> None:
    program = 'SIZES = {"k": 1000, "M": 1000}\nSTEPS = [1, 1000, 1000000]\n\n\ndef size(number, unit):\n    return number * SIZES[unit]\n'  # noqa: E501
    tests = "from sizes import size\ndef test_k(): assert size(2, 'k') == 2000\ndef test_m(): assert size(3, 'M') == 3000000\n"  # noqa: E501
    repo.write(sizes__py=program, test_sizes__py=tests)
    assert repo.repair().end["success"] is True
    assert '"M": 1000000' in (repo.root / "sizes.py").read_text()


def test_mends_a_default_of_a_method_that_calls_its_parent_s(repo: Repo) -> None:
    program = (
        "class Shop:\n    def __init__(self, rate): self.__rate = rate\n"
        "    def total(self, price): return price * (1 + self.__rate)\n\n\n"
        "class Till(Shop):\n    def __init__(self, rate=3):\n        super().__init__(rate)\n"
        "        self.__open = True\n    def is_open(self): return self.__open\n"
    )
    tests = (
        "from till import Till\ndef test_default(): assert Till().total(10) == 20\n"
        "def test_given():\n    assert Till(4).total(1) == 5\n    assert Till(4).is_open()\n"
    )
    repo.write(till__py=program, test_till__py=tests)
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "rate=1)" in (repo.root / "till.py").read_text(), "and not the True that does as well"


def test_mends_a_name_that_breaks_the_import(repo: Repo) -> None:
    program = "LIMIT = 10\nDOUBLE = LIMTI * 2\n\n\ndef double():\n    return DOUBLE\n"
    repo.write(limits__py=program, test_limits__py="from limits import double\ndef test_it(): assert double() == 20\n")
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "DOUBLE = LIMIT * 2" in (repo.root / "limits.py").read_text()


def test_works_for_unittest_suites(repo: Repo) -> None:
    tests = "import unittest\nfrom adding import add\nclass Adding(unittest.TestCase):\n    def test_some(self):\n        self.assertEqual(add(2, 3), 5)\n    def test_none(self):\n        self.assertEqual(add(0, 0), 0)\n"  # noqa: E501
    repo.write(adding__py="def add(a, b):\n    return a - b\n", test_adding__py=tests)
    assert repo.repair().end["success"] is True
    assert "a + b" in (repo.root / "adding.py").read_text()


def test_says_so_when_nothing_fails_and_names_flaky_tests(repo: Repo, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flaky = f"import pathlib\ndef test_flips():\n    flag = pathlib.Path({str(flag)!r})\n    there = flag.exists()\n    flag.unlink() if there else flag.touch()\n    assert there\n"  # noqa: E501
    repo.write(
        one__py="def one():\n    return 1\n",
        test_one__py=f"from one import one\ndef test_one(): assert one() == 1\n{flaky}",
    )
    outcome = repo.repair()
    assert outcome.end["success"] is True
    assert outcome.result["noChanges"] is True
    assert outcome.result["flakyTests"] == ["test_one.py::test_flips"]
    assert_untouched(repo)


def test_fails_with_suspects_when_no_patch_is_found(repo: Repo) -> None:
    program = "def answer():\n    secret = 'abc'\n    return secret\n"
    repo.write(
        deep__py=program, test_deep__py="from deep import answer\ndef test_it(): assert answer() == 'q' * 17 + 'zz'\n"
    )
    outcome = repo.repair()
    assert outcome.end["success"] is False
    assert outcome.result["patch"] is None
    assert outcome.result["failingTests"] == ["test_deep.py::test_it"]
    assert {suspect["path"] for suspect in outcome.result["suspects"]} == {"deep.py"}
    assert {2, 3} <= {suspect["line"] for suspect in outcome.result["suspects"]}
    assert_untouched(repo)


def test_only_the_test_that_was_asked_for_has_to_pass(repo: Repo) -> None:
    program = "def up(n):\n    return n - 1\n\n\ndef name():\n    return 'x'\n"
    tests = (
        "from two import up, name\ndef test_up(): assert up(1) == 2\ndef test_name(): assert name() == 'qwertyuiop'\n"
    )
    repo.write(two__py=program, test_two__py=tests)
    outcome = repo.repair("--only", "test_up")
    assert outcome.end["success"] is True
    assert "n + 1" in (repo.root / "two.py").read_text()


def test_a_test_that_needs_an_earlier_one_does_not_hide_the_fix(repo: Repo) -> None:
    program = "seen = []\n\n\ndef add(a, b):\n    seen.append(a)\n    return a - b\n"
    tests = (
        "import sums\n"
        "def test_fill(): sums.seen.extend('xyz')\n"
        "def test_needs_fill():\n    sums.add(0, 0)\n    assert 'x' in sums.seen\n"
        "def test_add(): assert sums.add(2, 3) == 5\n"
    )
    repo.write(sums__py=program, test_sums__py=tests)
    assert repo.repair().end["success"] is True
    assert "a + b" in (repo.root / "sums.py").read_text()


def test_a_fault_of_the_environment_does_not_hide_the_one_in_the_code(repo: Repo) -> None:
    repo.write(
        up__py="def up(n):\n    return n - 1\n",
        test_up__py="from up import up\ndef test_up(): assert up(1) == 2\n",
        test_more__py="def test_missing(): import surely_not_installed_here\ndef test_plugin(no_such_fixture): pass\n"
        "async def test_waits(): pass\ndef test_file(): open('nowhere.txt')\n"
        "def test_told(): raise ImportError('no module named surely_not_installed_here')\n"
        "def test_digits(): raise ValueError('Exceeds the limit (4300 digits) for integer string conversion')\n",
        test_else__py="from up import up\ndef test_else():\n    up(1)\n    assert 'a' == 'qwertyuiop'\n",
    )
    outcome = repo.repair(seconds=40)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "n + 1" in (repo.root / "up.py").read_text()
    lacking = sorted(one.split("test_")[-1] for one in outcome.result["environmentFailures"])
    assert lacking == ["digits", "file", "missing", "plugin", "told", "waits"]
    assert outcome.result["remainingFailures"] == ["test_else.py::test_else"]


def test_one_of_several_causes_is_mended_and_the_others_are_told(repo: Repo) -> None:
    tests = (
        "from up import up\n"
        "def test_up(): assert up(1) == 2\n"
        "def test_key():\n    up(1)\n    assert {}['x']\n"
        "def test_index():\n    up(1)\n    assert [][0]\n"
    )
    repo.write(up__py="def up(n):\n    return n - 1\n", test_up__py=tests)
    outcome = repo.repair(seconds=10)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "n + 1" in (repo.root / "up.py").read_text()
    assert sorted(outcome.result["remainingFailures"]) == ["test_up.py::test_index", "test_up.py::test_key"]


def test_a_repo_without_tests_is_a_clear_failure(repo: Repo) -> None:
    repo.write(one__py="x = 1\n")
    outcome = repo.repair()
    assert outcome.end["success"] is False
    assert "no tests" in outcome.end["error"]


def test_wrong_pytest_settings_are_a_clear_failure(repo: Repo) -> None:
    repo.write(test_one__py="def test_one(): assert 0\n")
    (repo.root / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    outcome = repo.repair()
    assert outcome.end["success"] is False
    assert "--no-such-option" in outcome.end["error"]


def test_what_a_repo_asks_of_plugins_that_are_switched_off_is_granted(repo: Repo) -> None:
    marked = (
        "import pytest\n@pytest.mark.timeout(9)\n@pytest.mark.xdist_group('a')\n"
        "def test_worker(worker_id): assert worker_id == 'master'\n"
    )
    repo.write(search__py=SEARCH, test_search__py=SEARCH_TESTS + marked)
    (repo.root / "pytest.ini").write_text(
        "[pytest]\naddopts = --cov=search --cov-report=term -n 2 --randomly-seed=7 --timeout=9 --strict-markers\n"
        "required_plugins = pytest-xdist pytest-randomly\ntimeout = 9\n"
    )
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "test_worker" not in str(outcome.result["failingTests"])


@pytest.mark.parametrize(
    "attack",
    [
        "import os; os._exit(0)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        'import sys; sys.stdout.write(\'{"type": "end", "success": true}\\n\' * 200_000); sys.stdout.flush()',
        'import os\n    for fd in range(1, 64):\n        try: os.write(fd, b\'{"type": "end", "success": true}\\n\')\n        except OSError: pass',  # noqa: E501
        "import os, time\n    if os.fork() == 0: time.sleep(60)",
        "raise SystemExit(0)",
        "raise KeyboardInterrupt",
    ],
    ids=["exit", "suicide", "shouting", "forging", "children", "system-exit", "keyboard-interrupt"],
)
def test_a_hostile_test_can_neither_forge_the_end_nor_hide_it(repo: Repo, attack: str) -> None:
    tests = f"def test_attack():\n    {attack}\n\ndef test_other():\n    assert 'a' == 'qwertyuiop'\n"
    repo.write(empty__py="def nothing():\n    return None\n", test_attack__py=tests)
    outcome = repo.repair()
    assert outcome.records[0]["type"] == "hello"
    assert outcome.end["success"] is False
    assert [record["type"] for record in outcome.records].count("end") == 1
    assert "test_attack.py::test_other" in outcome.result["failingTests"]
    assert_untouched(repo)


def test_a_test_that_kills_the_process_that_started_it_gives_a_clear_end(repo: Repo) -> None:
    tests = "import os, signal\ndef test_parricide():\n    os.kill(os.getppid(), signal.SIGKILL)\n    import time; time.sleep(1)\n"  # noqa: E501
    repo.write(empty__py="def nothing():\n    return None\n", test_attack__py=tests)
    outcome = repo.repair()
    assert outcome.end["success"] is False
    assert_untouched(repo)


def test_a_signal_stops_it_with_an_end_record_and_an_untouched_tree(repo: Repo) -> None:
    repo.write(slow__py="def f():\n    return 1\n", test_slow__py="import time\ndef test_slow():\n    time.sleep(30)\n")
    outcome = repo.repair(seconds=60, interrupt_after=1.5)
    assert outcome.end["success"] is False
    assert "signal" in outcome.end["error"]
    assert_untouched(repo)


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="needs the system's Python")
def test_the_launchers_offer_pytest_to_a_bare_interpreter(repo: Repo) -> None:
    import subprocess

    repo.write(test_one__py="def test_one(): pass\n")
    folder = str(repo.toolkit.folder)
    environment = {
        "PATH": f"{folder}/bin:/usr/bin:/bin",
        "PYTHONPATH": f"{folder}/startup",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for command in (["pytest", "-q"], ["python", "-m", "pytest", "-q"], ["python3", "-m", "pytest", "-q"]):
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider"],
            cwd=repo.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 and "1 passed" in done.stdout, (command, done.stdout, done.stderr)
    assert os.path.realpath(sys.executable)


def test_mends_two_faults_of_one_function_when_the_first_edit_moves_the_failure(repo: Repo) -> None:
    program = (
        "def span(values):\n    low = values[1]\n    high = values[0]\n    for value in values:\n"
        "        if value < low:\n            low = value\n        if value < high:\n            high = value\n"
        "    return high - low\n"
    )
    tests = (
        "from span import span\n"
        "def test_falling(): assert span([5, 3, 1]) == 4\n"
        "def test_first_is_lowest(): assert span([1, 4, 9]) == 8\n"
        "def test_one():\n    assert span([7]) == 0\n"
    )
    repo.write(span__py=program, test_span__py=tests)
    outcome = repo.repair(seconds=60)
    assert outcome.end["success"] is True, outcome.end["summary"]
    after = (repo.root / "span.py").read_text()
    assert "low = values[1]" not in after and "value < high" not in after


def test_a_decorator_that_ran_when_the_tests_were_imported(repo: Repo) -> None:
    repo.write(
        counted__py=(
            "def counted(start=0):\n    def decorate(function):\n        total = [0]\n"
            "        def inner(*given):\n            total[0] += 1\n            return function(*given)\n"
            "        inner.total = lambda: total[0]\n        return inner\n    return decorate\n"
        ),
        test_counted__py=(
            "from counted import counted\n"
            "@counted(2)\ndef one(): return 1\n"
            "@counted(5)\ndef two(): return 2\n"
            "def test_one(): assert one.total() == 2\n"
            "def test_two(): assert two.total() == 5\n"
            "def test_here(): assert counted(4)(one).total() == 4\n"
            "def test_none(): assert counted()(two).total() == 0\n"
        ),
    )
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "total = [start]" in (repo.root / "counted.py").read_text()


def test_a_function_that_is_called_wrongly_is_suspected_although_no_line_of_it_runs(repo: Repo) -> None:
    """And the one candidate there needs an import, which is seen only when it is its turn."""
    program = (
        "class Point:\n    def __init__(self, x):\n        self.x = x\n\n    def origin(cls):\n        return cls(0)\n"
    )
    tests = "from point import Point\ndef test_origin(): assert Point.origin().x == 0\n"
    repo.write(point__py=program, test_point__py=tests)
    outcome = repo.repair(seconds=20)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert (repo.root / "point.py").read_text() == program.replace("    def origin", "    @classmethod\n    def origin")


def test_a_function_that_the_failing_test_names_is_suspected(repo: Repo) -> None:
    program = (
        "class Box:\n    def __init__(self, w, h):\n        self.w, self.h = w, h\n\n    def area(self):\n"
        "        return self.w * self.h\n\n    def scaled(self, by):\n        return Box(self.w * by, self.h * by)\n"
    )
    tests = (
        "from box import Box\ndef test_area(): assert Box(2, 3).area == 6\n"
        "def test_w(): assert Box(2, 3).scaled(2).w == 4\n"
    )
    repo.write(box__py=program, test_box__py=tests)
    outcome = repo.repair(seconds=20)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert (repo.root / "box.py").read_text() == program.replace("    def area", "    @property\n    def area")


def test_statements_in_the_wrong_order_change_places_and_none_stands_twice(repo: Repo) -> None:
    first, second = "        y = x * 2\n", "        out.append(y)\n"
    right = f"def doubled(items):\n    out = []\n    for x in items:\n{first}{second}    return out\n"
    wrong = right.replace(first + second, second + first)
    tests = "from double import doubled\ndef test_two(): assert doubled([1, 3]) == [2, 6]\n"
    repo.write(double__py=wrong, test_double__py=tests)
    outcome = repo.repair(seconds=20)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert (repo.root / "double.py").read_text() == right


def test_what_keeps_a_test_from_the_key_it_missed_is_worse_than_a_fallback(repo: Repo) -> None:
    program = (
        "def shown(name, kinds, every=False):\n    if every:\n        return True\n"
        "    kind = kinds[name]\n    return kind != 'hidden'\n"
    )
    tests = (
        "from shown import shown\n"
        "def test_unknown(): assert shown('a', {}) and shown('b', {'a': 1})\n"
        "def test_known(): assert shown('a', {'a': 'method'}) and shown('a', {'a': 'field'})\n"
        "def test_every(): assert shown('a', {}, True)\n"
    )
    repo.write(shown__py=program, test_shown__py=tests)
    outcome = repo.repair(seconds=30)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "kinds.get(name" in (repo.root / "shown.py").read_text()


def test_a_condition_for_giving_a_name_its_value_is_about_that_name(repo: Repo) -> None:
    program = (
        "def erased(how, at, size):\n    if how == 0:\n        lines = range(at, size)\n"
        "    elif how == 1:\n        lines = range(at)\n    elif how == 2 and how == 3:\n        lines = range(size)\n"
        "    return [line + 1 for line in lines]\n"
    )
    tests = (
        "from erased import erased\n"
        "def test_below(): assert erased(0, 1, 3) == [2, 3]\n"
        "def test_above(): assert erased(1, 1, 3) == [1]\n"
        "def test_all(): assert erased(2, 1, 3) == erased(3, 2, 3) == [1, 2, 3]\n"
    )
    repo.write(erased__py=program, test_erased__py=tests)
    outcome = repo.repair(seconds=30)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert (repo.root / "erased.py").read_text() == program.replace("how == 2 and", "how == 2 or")


def test_what_was_done_wrong_when_the_tests_were_imported_is_looked_for_by_what_a_failure_names(repo: Repo) -> None:
    program = (
        "def kind_of(depth):\n    if depth == 0:\n        kind = 'modle'\n    else:\n        kind = 'class'\n"
        "    return kind\n"
    )
    repo.write(
        kinds__py=program, made__py="from kinds import kind_of\nTOP, INNER = kind_of(0), kind_of(1)\n",
        test_kinds__py="import made\n\ndef test_top(): assert made.TOP == 'module'\n\n"
        "def test_inner(): assert made.INNER == 'class'\n",
    )  # fmt: skip
    outcome = repo.repair(seconds=30)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert (repo.root / "kinds.py").read_text() == program.replace("modle", "module")
