"""The order in which candidates are tried, and how it learns from what was tried."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mogplex.harnesses.repair.engine.candidates import Candidates
from mogplex.harnesses.repair.engine.edit import Candidate
from mogplex.harnesses.repair.engine.source import Source
from mogplex.harnesses.repair.engine.spectra import Suspect

TEXT = "def f(a, b):\n    c = a < b\n    d = a < b\n    return c, d\n"


def queue() -> Candidates:
    source = Source("p.py", TEXT.encode())
    body = source.tree.body[0].body  # type: ignore[attr-defined]  # TEXT is a function
    return Candidates([Suspect("p.py", one.lineno, 1.0, one, source) for one in body], {})


def key(one: Candidate) -> tuple[int, str, list[tuple[int, str]]]:
    return one.line, one.template, [(edit.start, edit.text) for edit in one.edits]


def drained(candidates: Candidates, dull: set[int]) -> list[Candidate]:
    """All of them, each told to change nothing when it is on one of the `dull` lines."""
    found = []
    while candidates:
        found.append(candidates.pop())
        candidates.note(found[-1], found[-1].line not in dull)
    return found


@settings(deadline=None, max_examples=8)
@given(st.sets(st.sampled_from([2, 3, 4])))
def test_what_is_learnt_changes_the_order_and_nothing_else(dull: set[int]) -> None:
    assert sorted(map(key, drained(queue(), dull))) == sorted(map(key, drained(queue(), set())))


def test_a_line_where_nothing_changes_how_a_test_fails_comes_later() -> None:
    places = [number for number, one in enumerate(drained(queue(), {3})) if one.line == 3]
    usual = [number for number, one in enumerate(drained(queue(), set())) if one.line == 3]
    assert sum(places) > 1.3 * sum(usual)
    assert places[0] == usual[0], "the first edits of a line have their turn"
