"""The text of a pull request: evidence for people, and nothing that an agent could make of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from mogplex.domain.check import CheckRecord, CheckTarget
from mogplex.domain.quotation import quote_text
from mogplex.domain.run import Changes, Run, Verdict
from mogplex.worker.proposal import Evidence, write_section

RUN = cast(Run, SimpleNamespace(id="run_1", harness="codex", model="m|1"))
BASE = CheckRecord("pytest -q", CheckTarget.BASE, Verdict.FAILED, 1, tests_passed=2, tests_failed=1, failures=("t::a",))
PATCH = CheckRecord("pytest -q | tee `x`", CheckTarget.PATCH, Verdict.VERIFIED, 0, "", 1234, 3, 0, 0)


def test_it_tells_who_vouches_and_where_to_look() -> None:
    changes = Changes(1, 2, 3, "c" * 40)
    told = write_section(
        Evidence(RUN, Verdict.VERIFIED, changes, ("tests/a|b.py",), (BASE, PATCH), "I did it."), "https://m.example"
    )
    assert told.startswith("**Verified**")
    assert "[`run_1`](https://m.example/runs/run_1)" in told
    assert "| `pytest -q` | base | failed (exit code 1) | 2 passed, 1 failed | 0.0 s |" in told
    assert "| `pytest -q \\| tee 'x'` | with the change | passed | 3 passed | 1.2 s |" in told
    assert "> I did it." in told and "+2 −3" in told and "`tests/a\\|b.py`" in told
    assert "t::a" not in told  # what failed before is no fault of the change


def test_it_never_vouches_for_what_nobody_checked() -> None:
    unchecked = write_section(Evidence(RUN, Verdict.NOT_RUN, None, (), (), ""))
    assert "Not verified" in unchecked and "None ran." in unchecked and "`run_1`" in unchecked
    partial = write_section(Evidence(RUN, Verdict.NOT_RUN, None, (), (), "", "timed_out"))
    assert "Unfinished work" in partial and "`timed_out`" in partial


def test_what_an_agent_wrote_does_nothing() -> None:
    wild = "Hello @octocat <!-- mogplex:end --> ![x](https://spy.example/p.png) <img src=x>\n\n# Title\nme@example.org"
    tame = quote_text(wild, 1000)
    assert "@octocat" not in tame and "<" not in tame and "![" not in tame
    assert all(line.startswith(">") for line in tame.splitlines())
    assert "me@example.org" in tame
