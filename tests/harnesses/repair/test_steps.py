"""Fixes of two edits: what shows that an edit is a step, which steps are built on, and both edits as one patch."""

from __future__ import annotations

import io
import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mogplex.harnesses.repair.engine.candidates import Listed
from mogplex.harnesses.repair.engine.clues import Clues, traced_back
from mogplex.harnesses.repair.engine.copies import Copies, Repeated
from mogplex.harnesses.repair.engine.edit import Candidate, Edit, apply_edits
from mogplex.harnesses.repair.engine.ground import Surroundings, opening_tries, touches_name
from mogplex.harnesses.repair.engine.joining import joined, on_top_of, without
from mogplex.harnesses.repair.engine.nameless import names_never_bound
from mogplex.harnesses.repair.engine.progress import Failure, failure_of, progress, without_shift
from mogplex.harnesses.repair.engine.second import best_first_edits
from mogplex.harnesses.repair.engine.source import Source
from mogplex.harnesses.repair.engine.spectra import raise_origins
from mogplex.harnesses.repair.engine.trial import Findings, Plausible, promise
from mogplex.harnesses.repair.engine.units import Compiler

from .conftest import Repo

IN_TEST = Failure("AssertionError", "assert [9] == [1, 2, 3]", 7, None)
CRASH = Failure("TypeError", "no", 7, ("/code.py", 10, 14))
TEXT = "def one(a, b):\n    return a - b\n\n\ndef two(a, b):\n    return a * b\n"
SOURCE = Source("code.py", TEXT.encode())


def step(old: str, new: str, text: str = TEXT, score: float = 1.0, **shown: object) -> Plausible:
    start = text.index(old)
    source = Source("code.py", text.encode())
    candidate = Candidate("code.py", source.line_of(start), (Edit(start, start + len(old), new),), "any", 0.5, score)
    return Plausible(candidate, Compiler(source, "/code.py").compile(candidate), **shown)  # type: ignore[arg-type]  # the tests know


def test_a_failure_has_moved_on_when_the_test_gets_further_or_the_code_does() -> None:
    later = Failure("AssertionError", "other", 8, None)
    assert progress(IN_TEST, later) > progress(CRASH, IN_TEST) > 0
    assert progress(CRASH, Failure("TypeError", "no", 7, ("/code.py", 10, 15))) > 0
    assert progress(CRASH, Failure("KeyError", "no", 7, ("/code.py", 30, 31))) > 0
    assert progress(CRASH, Failure("KeyError", "no", 7, ("/code.py", 10, 14))) > 0


def test_a_failure_that_has_left_an_inner_function_has_moved_on() -> None:
    inner = Failure("NameError", "no", 7, ("/code.py", 11, 12))
    assert progress(inner, Failure("NameError", "other", 7, ("/code.py", 10, 15))) > 0.5, (
        "in the function around, later"
    )
    assert progress(inner, Failure("NameError", "other", 7, ("/code.py", 13, 15))) < 0.5, "in another function"
    assert progress(inner, Failure("TypeError", "call", 7, ("/code.py", 10, 15))) < 0.5, "that may be its call"


def test_a_failure_that_stays_or_falls_back_has_not_moved_on() -> None:
    for after in (IN_TEST, CRASH, Failure("AssertionError", "assert [8] == [1, 2, 3]", 7, None)):
        assert progress(IN_TEST, after) == 0
    assert progress(IN_TEST, Failure("AssertionError", "other", 6, None)) == 0
    assert progress(CRASH, CRASH) == 0
    assert progress(CRASH, Failure("TypeError", "no", 7, ("/code.py", 10, 12))) == 0


def test_breaking_something_else_is_no_step_and_another_value_a_small_one() -> None:
    assert progress(CRASH, Failure("NameError", "no", 7, ("/code.py", 10, 15))) == 0
    nameless = Failure("NameError", "no", 7, ("/code.py", 10, 14))
    assert progress(nameless, Failure("NameError", "no", 7, ("/code.py", 10, 15))) > 0
    t = Failure("NameError", "name 't' is not defined", 7, ("/code.py", 10, 15))
    assert progress(CRASH, t, {"/code.py": ["t"]}) > 0, "it had no value before either"
    assert progress(CRASH, t, {"/code.py": ["other"], "/other.py": ["t"]}) == 0
    unbound = "cannot access local variable 't' where it is not associated with a value"
    local = Failure("UnboundLocalError", unbound, 7, ("/code.py", 10, 15))
    assert progress(CRASH, local, {"/code.py": ["t"]}) == 0
    other, kind = (Failure(kind, "of another", 7, CRASH.place) for kind in ("TypeError", "KeyError"))
    assert 0 < progress(CRASH, other) < progress(CRASH, kind)


def test_names_that_nothing_binds_are_told_from_those_that_something_may_bind() -> None:
    code = (
        "import os\nfrom a import b as c\n{}\nclass One:\n    inner = 1\n    def f(self): return {}\n"
        "def g():\n    global later\n    later = 1\nys = [x for x in c if (walrus := x)]\n"
        "try:\n    pass\nexcept OSError as error:\n    pass\n"
    )

    def nameless(text: str, head: str = "") -> set[str]:
        return set(names_never_bound(Source("code.py", code.format(head, text).encode())))

    assert nameless("os, c, One, g, later, len, __name__, __file__, __class__, self, ys, walrus, error") == set()
    assert nameless("[x for x in c], x, inner, b") == {"x", "inner", "b"}
    assert nameless("x", "# no import * here") == {"x"}
    assert nameless("x", "from os import  *") == set()


def test_a_failure_moves_on_within_a_line_when_what_failed_is_a_part_of_what_fails() -> None:
    receiver, call, other = (replace(CRASH, kind=kind, span=span) for kind, span in (
        ("AttributeError", (8, 16)), ("TypeError", (8, 20)), ("KeyError", (17, 19)),
    ))  # fmt: skip
    assert (
        progress(receiver, call)
        == progress(receiver, other)
        == progress(CRASH, replace(CRASH, place=("/code.py", 10, 15)))
    )
    assert 0 < progress(call, receiver) < progress(receiver, call)
    assert progress(receiver, replace(call, span=None)) == progress(call, receiver)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python tells from 3.11 on where in a line it failed")
def test_a_failure_says_where_in_the_line_it_was(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("def write(fp):\n    return fp.write(fp)\n")
    spans = []
    for given in (True, io.StringIO()):
        scope = runpy.run_path(str(tmp_path / "code.py"))
        item = SimpleNamespace(path=tmp_path / "test_code.py", config=SimpleNamespace(rootdir=tmp_path))
        try:
            scope["write"](given)
        except (AttributeError, TypeError) as error:
            spans.append(failure_of(item, error).span)
    assert spans == [(11, 19), (11, 23)]


def test_lines_brought_in_above_are_no_progress() -> None:
    lower = Failure("TypeError", "no", 7, ("/code.py", 10, 16))
    assert without_shift(lower, CRASH, 2) == CRASH
    assert without_shift(lower, CRASH, 1) == lower and without_shift(IN_TEST, CRASH, 2) == IN_TEST


def test_a_value_that_comes_closer_to_the_expected_one_is_a_step() -> None:
    closer = Failure("AssertionError", "assert [1, 8, 9] == [1, 2, 3]", 7, None)
    closest = Failure("AssertionError", "assert [1, 2, 3, 9] == [1, 2, 3]", 7, None)
    assert 0 < progress(IN_TEST, closer) < progress(IN_TEST, closest) < 1
    assert progress(closer, IN_TEST) == 0


def test_a_failure_survives_the_way_through_json() -> None:
    for one in (IN_TEST, CRASH, replace(CRASH, span=(8, 16))):
        told = Failure.told(json.loads(json.dumps(one.record())))
        assert told == one and told.span == one.span


def test_first_edits_that_mend_most_are_built_on_first_and_those_of_one_place_do_not_crowd_out_others() -> None:
    most = step("a - b", "a + b", mends=("t1", "t2"))
    again, once_more = (step("a - b", text, mends=("t1", "t2")) for text in ("b + a", "a * a"))
    elsewhere = step("a * b", "a + b", mends=("t3",))
    moving = step("a * b", "b", moves=1.0)
    spoiling = step("a - b", "a", moves=0.7, spoils=("t9",))
    order = [one for _, one in best_first_edits([spoiling, moving, again, once_more, elsewhere, most], failing=3)]
    assert order[0] in (most, again, once_more) and order.index(elsewhere) < 3
    assert order.index(moving) < order.index(spoiling)


def test_to_begin_with_another_first_edit_costs_few_tries_where_each_takes_long() -> None:
    costs = [opening_tries(Findings(tried=tried, seconds=20.0)) for tried in (0, 100, 2_000, 40_000)]
    assert costs == [10.0, 10.0, 25.0, 100.0]


def test_what_moves_a_failure_at_its_root_comes_first() -> None:
    near, far = step("a - b", "a + b", moves=0.5), step("a * b", "a + b", moves=0.6)
    assert [one for _, one in best_first_edits([near, far], 3)] == [far, near]
    assert [one for _, one in best_first_edits([near, far], 3, roots={("code.py", 2)})] == [near, far]


def test_where_a_name_has_no_value_the_edits_that_touch_it_come_first() -> None:
    text = "def f(items, width):\n    cells = len(itmes)\n    if width:\n        return cells\n    return width\n"
    right = step("itmes", "items", text=text, moves=0.35, score=0.2)
    other = step("itmes", "width", text=text, moves=0.6, score=0.2)
    bypass = step("if width", "if not width", text=text, mends=("t1",))
    guarded = step("    cells = len(itmes)", "    if width:\n        cells = len(itmes)", text=text, mends=("t1",))

    def touches(one: Plausible) -> bool:
        return touches_name(one.candidate, text, {"itmes"})

    clear = step("itmes", "f", text=text, moves=1.0, score=0.2)
    order = [one for _, one in best_first_edits([bypass, guarded, other, right, clear], 3, touches)]
    assert order[0] is clear and set(order[1:3]) == {right, other}
    assert [touches(one) for one in (right, bypass, guarded)] == [True, False, False]
    assert best_first_edits([bypass, right], 3)[0][1] is bypass


def test_what_only_leads_around_a_missing_name_is_not_about_it(tmp_path: Path) -> None:
    text = (
        "def erased(how, at):\n    if how == 1 and how == 2:\n        lines = [at]\n    if how:\n        return lines\n"
    )
    source = Source("code.py", text.encode())
    sources = {str(tmp_path / "code.py"): source}
    around = Surroundings(None, tmp_path, None, sources, {}, frozenset({"lines"}))  # type: ignore[arg-type]  # neither pool nor goal is asked

    def is_about(old: str, new: str, at: str = "") -> bool:
        start = text.index(at or old)
        edit = Edit(start, start + len(old), new)
        return around.is_about(Candidate("code.py", source.line_of(start), (edit,), "any", 0.5, 1.0))

    assert is_about("and", "or") and is_about("lines\n", "at\n")
    assert not is_about("if how:", "if not how:")
    assert not is_about("", "    if at:\n        return\n", at="    if how == 1")


def test_of_too_many_steps_the_best_are_kept() -> None:
    findings = Findings(failing=2)
    best = step("a - b", "a + b", mends=("t1",))
    findings.note_step(best)
    for number in range(1000):
        findings.note_step(step("a * b", f"a + {number}", moves=0.5, score=0.1))
    assert best in findings.steps and len(findings.steps) < 1000
    assert promise(best, 2) == max(promise(one, 2) for one in findings.steps)


def test_an_edit_is_carried_over_to_the_text_that_another_has_changed() -> None:
    first = step("return a - b", "result = a + b\n    return result", mends=("t1",))
    second = step("a * b", "a / b", mends=("t2",))
    touching = step("a - b", "b - a", mends=("t2",))
    edited = Source("code.py", first.compiled.text.encode())
    carried = on_top_of(first, [first, touching, second], SOURCE, edited)
    assert [one.line for one in carried] == [7]
    assert apply_edits(edited.text, carried[0].edits) == first.compiled.text.replace("a * b", "a / b")


def test_a_second_edit_is_taken_back_to_the_text_without_the_first() -> None:
    first = step("return a - b", "result = a + b\n    return result")
    second = step("a * b", "a / b", text=first.compiled.text)
    alone = without(first, second, SOURCE)
    assert alone is not None and alone.line == 6
    assert apply_edits(TEXT, alone.edits) == TEXT.replace("a * b", "a / b")
    assert without(first, step("a + b", "b", text=first.compiled.text), SOURCE) is None


def test_what_mends_the_other_faults_comes_first_on_top() -> None:
    first = step("a - b", "a + b", mends=("t1",))
    same, other = step("a * b", "a / b", mends=("t1",)), step("a * b", "b / a", mends=("t2", "t3"))
    carried = on_top_of(first, [same, other], SOURCE, Source("code.py", first.compiled.text.encode()))
    assert carried[0].edits[0].text == "b / a"


def test_both_edits_are_one_patch_of_the_original() -> None:
    first = step("a - b", "a + b")
    second = step("a * b", "a / b", text=first.compiled.text)
    both = joined(TEXT, first, second)
    assert apply_edits(TEXT, both.candidate.edits) == TEXT.replace("a - b", "a + b").replace("a * b", "a / b")
    assert both.candidate.line == 2


def test_the_same_edit_is_made_at_every_place_of_its_shape_in_the_function() -> None:
    text = (
        "def f(a, b, low):\n    if a[0] > b:\n        low = 1\n    if b[low] > a:\n        low = a > b\n"
        "    return low\n\n\ndef g(a, b):\n    return a[1] > b\n"
    )
    source = Source("code.py", text.encode())
    one = step(">", ">=", text=text).candidate
    queue = Repeated(Listed([one]), [source])
    assert queue.pop() is one
    everywhere = queue.pop()
    changed = text.replace("a[0] >", "a[0] >=").replace("b[low] >", "b[low] >=")
    assert apply_edits(text, everywhere.edits) == changed and everywhere.score < one.score
    assert not queue
    assert [source.line_text(copy.line).strip() for copy in Copies(source).elsewhere(one)] == [
        "if b[low] > a:",
        "return a[1] > b",
    ]


def test_a_mistake_that_was_copied_is_mended_the_same_way_first() -> None:
    text = "def f(a, b):\n    first = a[0] > b\n    other = b + a\n    return first, other, b[0] > a\n"
    first = step(">", ">=", text=text, mends=("t1",))
    other = step("b + a", "b - a", text=text, mends=("t2",))
    edited = Source("code.py", first.compiled.text.encode())
    carried = on_top_of(first, [first, other], Source("code.py", text.encode()), edited)
    assert [apply_edits(edited.text, one.edits) for one in carried] == [
        edited.text.replace("b[0] >", "b[0] >="),
        edited.text.replace("b + a", "b - a"),
    ]


def test_a_wrong_type_is_traced_back_to_the_assignment_that_it_came_from() -> None:
    text = "def f(a, b):\n    rows = a if b else [a]\n    other = b\n    for row in rows:\n        print(row)\n"
    clues = traced_back(Clues(clashes={("code.py", 4): "TypeError"}), [Source("code.py", text.encode())])
    assert clues.clashes == {("code.py", 4): "TypeError", ("code.py", 2): "TypeError"}


TRACED = """
class Runner:
    def __init__(self, given):
        given = [given]
        self.steps = [one for one in given]
        self.name = ""

    def run(self):
        for step in self.steps:
            step(self.name)
"""


def test_a_wrong_type_is_traced_back_over_loops_and_attributes() -> None:
    clues = traced_back(Clues(clashes={("code.py", 10): "TypeError"}), [Source("code.py", TRACED.encode())])
    assert clues.origins == {("code.py", 9): 1, ("code.py", 6): 1, ("code.py", 5): 2, ("code.py", 4): 3}
    scores = {"/code.py": {10: 1.6, 9: 1.6, 5: 0.2, 4: 0.2, 3: 0.2}}
    origins = {("/code.py", line): steps for (_, line), steps in clues.origins.items()}
    raise_origins(scores, origins, {("/code.py", 10)})
    assert scores["/code.py"][9] == 1.6 and 6 not in scores["/code.py"], "it was not run"
    assert 0.5 < scores["/code.py"][4] < scores["/code.py"][5] < 1.6 and scores["/code.py"][3] == 0.2


def test_mends_two_faults_beside_a_test_that_nothing_mends(repo: Repo) -> None:
    tests = (
        "from two import one, two\ndef test_one(): assert one(5, 3) == 8\ndef test_two(): assert two(9, 2) == 4\n"
        "def test_more(): assert one(1, 1) == 2\ndef test_most(): assert two(8, 2) == 4\n"
        "def test_never(): assert two(one(3, 3), 3) == 'no'\n"
    )
    repo.write(two__py=TEXT, test_two__py=tests)
    outcome = repo.repair(seconds=20)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert outcome.result["remainingFailures"] == ["test_two.py::test_never"]
    assert (repo.root / "two.py").read_text() == TEXT.replace("a - b", "a + b").replace("a * b", "a // b")


def test_a_patch_that_only_keeps_the_tests_from_a_missing_name_is_the_last_resort(repo: Repo) -> None:
    program = (
        "IS_OLD = 1 > 2\n\n\ndef spread(low, high):\n    if IS_OLD:\n        return old_spread(low, high)\n"
        "    return abs(widht - low), high\n\n\ndef old_spread(low, high):\n    return abs(high - low), high\n"
    )
    repo.write(
        spread__py=program, test_spread__py="from spread import spread\ndef test_it(): assert spread(3, 7) == (4, 7)\n"
    )
    outcome = repo.repair(seconds=30)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert (repo.root / "spread.py").read_text() == program.replace("widht", "high")


def test_a_wrong_type_is_traced_back_to_the_call_that_passed_it() -> None:
    text = (
        "def outer(rows, top):\n    return inner(rows)\n\n\ndef inner(count):\n    half = 2\n    return count / half\n"
    )
    sources = [Source("code.py", text.encode())]
    died = {("code.py", 7): "TypeError"}
    clues = traced_back(Clues(clashes=died, callers={("code.py", 7): ("code.py", 2)}), sources)
    assert clues.origins == {("code.py", 6): 1, ("code.py", 2): 1} and clues.clashes["code.py", 2] == "TypeError"
    elsewhere = traced_back(Clues(clashes=died, callers={("code.py", 7): ("other.py", 2)}), sources)
    assert elsewhere.origins == {("code.py", 6): 1}


def test_mends_two_independent_faults(repo: Repo) -> None:
    tests = "from two import one, two\ndef test_one(): assert one(5, 3) == 8\ndef test_two(): assert two(9, 2) == 4\n"
    repo.write(two__py=TEXT, test_two__py=tests + "def test_both(): assert two(one(3, 3), 3) == 2\n")
    outcome = repo.repair(seconds=30)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert (repo.root / "two.py").read_text() == TEXT.replace("a - b", "a + b").replace("a * b", "a // b")


def test_mends_a_fault_that_the_tests_only_reach_when_another_is_mended(repo: Repo) -> None:
    program = (
        "def total(rows, names):\n    found = 0\n    for row in names:\n        found += row['price'] * count(names)\n"
        "    return found\n\n\ndef count(rows):\n    several = len(rows)\n    return several - 1\n"
    )
    tests = (
        "from total import total\n"
        "def test_two(): assert total([{'price': 2}, {'price': 3}], ('a', 'b')) == 10\n"
        "def test_three(): assert total([{'price': 1}], ('a', 'b', 'c')) == 3\n"
    )
    repo.write(total__py=program, test_total__py=tests)
    outcome = repo.repair(seconds=30)
    assert outcome.end["success"] is True, outcome.end["summary"]
    after = (repo.root / "total.py").read_text()
    assert "for row in rows" in after and "several - 1" not in after


def test_mends_a_mistake_that_was_copied_and_shows_only_when_both_are_mended(repo: Repo) -> None:
    program = (
        "def inside(box, x, y):\n    across = box[0] < x < box[2]\n    up = box[1] < y < box[3]\n"
        "    return across and up\n"
    )
    tests = (
        "from box import inside\n"
        "def test_corner(): assert inside((1, 1, 5, 5), 1, 1) and inside((1, 1, 5, 5), 2, 2)\n"
        "def test_out(): assert not inside((1, 1, 5, 5), 0, 2) and not inside((1, 1, 5, 5), 2, 0)\n"
        "def test_far(): assert not inside((1, 1, 5, 5), 9, 2) and not inside((1, 1, 5, 5), 2, 9)\n"
        "def test_high(): assert not inside((1, 1, 5, 5), 5, 3) and not inside((1, 1, 5, 5), 3, 5)\n"
    )
    repo.write(box__py=program, test_box__py=tests)
    outcome = repo.repair()
    assert outcome.end["success"] is True, outcome.end["summary"]
    after = (repo.root / "box.py").read_text()
    assert "box[0] <= x < box[2]" in after and "box[1] <= y < box[3]" in after


def test_mends_a_name_without_a_value_and_what_only_shows_after_it(repo: Repo) -> None:
    program = (
        "def padded(cells, widths, pad):\n    room = [w - 1 * pad for w in widths]\n    count = max(map(len, sllec))\n"
        "    rows = [cell + [''] * (count - len(cell)) for cell in cells]\n"
        "    return [[text.ljust(w) for text in row] for row, w in zip(rows, room)]\n"
    )
    tests = (
        "from table import padded\n"
        "def test_none(): assert padded([['a'], ['b']], [3, 2], 0) == [['a  '], ['b ']]\n"
        "def test_pad(): assert padded([['a'], ['b']], [5, 4], 1) == [['a  '], ['b ']]\n"
        "def test_rows(): assert padded([['a'], ['b', 'c']], [5, 4], 1) == [['a  ', '   '], ['b ', 'c ']]\n"
        "def test_wide(): assert padded([['a']], [9], 2) == [['a    ']]\n"
    )
    repo.write(table__py=program, test_table__py=tests)
    outcome = repo.repair(seconds=20)
    assert outcome.end["success"] is True, outcome.end["summary"]
    after = (repo.root / "table.py").read_text()
    assert "max(map(len, cells))" in after and "w - 2 * pad" in after
