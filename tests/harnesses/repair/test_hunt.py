"""Going on where a search stopped, when what it had found did not hold."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mogplex.harnesses.repair.engine.choose import rank
from mogplex.harnesses.repair.engine.edit import Candidate, Edit
from mogplex.harnesses.repair.engine.goal import aimed
from mogplex.harnesses.repair.engine.pool import Plan, Pool
from mogplex.harnesses.repair.engine.python_project import PythonProject, Settings
from mogplex.harnesses.repair.engine.report import Report
from mogplex.harnesses.repair.engine.runs import is_out_of_time
from mogplex.harnesses.repair.engine.source import Source
from mogplex.harnesses.repair.engine.trial import (
    CPU_FLOORS_SECONDS,
    Findings,
    Plausible,
    has_more_time,
    retry_share,
)
from mogplex.harnesses.repair.engine.units import Compiler, encoded

PROGRAM = (
    "def price(kind):\n    if kind == 'top':\n        return 30\n    return 10\n\n\nKINDS = ('low', 'top', 'high')\n"
)
TESTS = "from prices import price\ndef test_high(): assert price('high') == 30\n"  # weak: very much passes


def test_what_was_refused_is_not_found_again_and_more_is(tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text(PROGRAM)
    (tmp_path / "test_prices.py").write_text(TESTS)
    seen: set[str] = set()
    with PythonProject(Settings(tmp_path, 60.0, 2, ()), lambda: None) as project:
        goal = aimed(project.run_tests(), [], [])
        candidates = project.edits(goal, project.spectra(goal, Report()))
        refused = []
        for _ in range(2):
            deadline = time.monotonic() + 30
            findings = project.try_out(goal, candidates, deadline, 10_000, lambda findings: None, refused)
            refused = list(findings.plausible)
            assert refused, findings.stopped_by
            texts = {one.compiled.text for one in refused}
            assert not texts & seen
            seen |= texts


def test_a_check_ends_at_the_test_that_another_patch_has_spoiled(tmp_path: Path) -> None:
    (tmp_path / "prices.py").write_text(PROGRAM)
    (tmp_path / "test_prices.py").write_text(TESTS + "def test_low(): assert price('low') == 10\n")
    start = PROGRAM.index("10")
    edit = Candidate("prices.py", 4, (Edit(start, start + 2, "30"),), "any", 1.0, 1.0)
    compiled = Compiler(Source("prices.py", PROGRAM.encode()), str(tmp_path / "prices.py")).compile(edit)
    with PythonProject(Settings(tmp_path, 60.0, 2, ()), lambda: None) as project:
        goal = aimed(project.run_tests(), [], [])
        goal.mended.append("test_prices.py::test_low")
        verdict = project.validate(Plausible(edit, compiled), goal)
    assert not verdict.ok and verdict.spoiled == ("test_prices.py::test_low",)
    assert verdict.passed == 0, "the target, which passes, needn't be run any more"


def test_of_patches_that_pass_one_that_still_gets_to_where_tests_died_is_proposed(tmp_path: Path) -> None:
    program = "def find(n, key):\n    low, high = 0, n\n    while low < high:\n        low = key + 1\n"
    program += "    return high, key\n"
    (tmp_path / "finding.py").write_text(program)
    test = "from finding import find\ndef test_find(): assert find(1, 'a') == (1, 'a')\n"
    (tmp_path / "test_finding.py").write_text(test)
    source = Source("finding.py", program.encode())
    patches = []
    for line, old, new, score in [(3, "low < high", "low > high", 0.9), (4, "key + 1", "low + 1", 0.1)]:
        start = program.index(old)
        edit = Candidate("finding.py", line, (Edit(start, start + len(old), new),), "any", 0.5, score)
        patches.append(Plausible(edit, Compiler(source, str(tmp_path / "finding.py")).compile(edit)))
    with PythonProject(Settings(tmp_path, 60.0, 2, ()), lambda: None) as project:
        goal = aimed(project.run_tests(), [], [])
        project.spectra(goal, Report())
        hiding, mending = patches
        assert project.choose(Findings(plausible=patches), goal)[0].candidate.edits == mending.candidate.edits
        assert rank(patches, {"finding.py": source}, set())[0] is hiding, "by what it looks like alone"


def test_a_patch_that_mends_most_of_the_tests_gets_more_time_for_the_rest() -> None:
    """A test that fails at once may take long to pass; most others that run out of time loop for ever."""
    rounds = range(len(CPU_FLOORS_SECONDS))
    assert [has_more_time(number, is_promising=True) for number in rounds] == [True, True, True, False]
    assert [has_more_time(number, is_promising=False) for number in rounds] == [True, True, False, False]
    assert list(CPU_FLOORS_SECONDS) == sorted(CPU_FLOORS_SECONDS)


def test_what_timed_out_is_tried_again_the_sooner_the_longer_others_take() -> None:
    shares = [retry_share(seconds_each, 1) for seconds_each in (0.0, 0.003, 0.06, 0.1, 5.0)]
    assert shares == sorted(shares)
    assert shares[0] == shares[1], "among quick candidates, one that times out most likely never ends"
    assert shares[1] < shares[2] < shares[3]
    assert shares[-1] < 1, "what was not tried yet comes before it"
    assert retry_share(0.1, 2) < retry_share(0.1, 1), "it costs more"


def test_a_check_is_not_lost_by_a_test_that_fails_only_once(tmp_path: Path) -> None:
    marker = tmp_path / "once"
    root = tmp_path / "repo"
    root.mkdir()
    (root / "prices.py").write_text(PROGRAM)
    flaky = "def test_flaky():\n    assert not MARKER.exists() or MARKER.unlink(), 'once'\n    assert price('top')\n"
    (root / "test_prices.py").write_text(f"from pathlib import Path\nMARKER = Path({str(marker)!r})\n{TESTS}{flaky}")
    start = PROGRAM.index("10")
    edit = Candidate("prices.py", 4, (Edit(start, start + 2, "30"),), "any", 1.0, 1.0)
    compiled = Compiler(Source("prices.py", PROGRAM.encode()), str(root / "prices.py")).compile(edit)
    with PythonProject(Settings(root, 60.0, 2, ()), lambda: None) as project:
        goal = aimed(project.run_tests(), [], [])
        marker.touch()
        verdict = project.validate(Plausible(edit, compiled), goal)
        assert verdict.ok and verdict.passed == 2, verdict
        assert goal.baseline.flaky == ["test_prices.py::test_flaky"] and not marker.exists()


def test_what_hangs_in_c_is_ended_long_before_it_is_given_up_for_its_silence(tmp_path: Path) -> None:
    text = "def found():\n    return sum(range(3))\n"
    (tmp_path / "finder.py").write_text(text)
    (tmp_path / "test_finder.py").write_text("from finder import found\ndef test_it(): assert not found()\n")
    path, start = str(tmp_path / "finder.py"), text.index("3")
    edit = Candidate("finder.py", 2, (Edit(start, start + 1, "10**13"),), "any", 1.0, 1.0)
    hanging = encoded(Compiler(Source("finder.py", text.encode()), path).compile(edit), path)
    limits = {"tests": ["test_finder.py::test_it"], "cpu_seconds": [0.1], "quiet_seconds": 600.0, "under": None}
    alone = {"edit": hanging, "stop": True, "targets": limits["tests"], **limits}
    told: list[dict[str, Any]] = []
    with Pool(Plan(tmp_path, [path], [], warm=1, environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})) as pool:
        assert pool.await_collection(60.0) is None, pool.stderr_tail()
        for request in ({"batch": [hanging], "failures": {}, "nameless": {}, **limits}, alone):
            worker = pool.idle(cold=False)
            assert worker is not None
            pool.submit(worker, request, hear=lambda worker, record: told.append(record))
            while worker.is_busy:
                pool.poll(0.5)
    ended = [record for record in told if record.get("died")]
    assert len(ended) == 2 and all(is_out_of_time(record) and not record["silent"] for record in ended), told
