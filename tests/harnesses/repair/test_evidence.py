"""Templates that are for what a failing test, or the file itself, plainly shows to be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex.harnesses.repair.engine.baseline import Baseline
from mogplex.harnesses.repair.engine.candidates import Candidates
from mogplex.harnesses.repair.engine.clues import NO_CLUES, Clues, clues_of
from mogplex.harnesses.repair.engine.edit import apply_edits
from mogplex.harnesses.repair.engine.goal import Goal
from mogplex.harnesses.repair.engine.runs import Outcome
from mogplex.harnesses.repair.engine.source import Source
from mogplex.harnesses.repair.engine.spectra import Suspect, nearest_first


def suspects_of(text: str, scores: dict[int, float]) -> list[Suspect]:
    source = Source("p.py", text.encode())
    return [
        Suspect(source.path, one.lineno, scores[one.lineno], one, source)
        for one in source.statements
        if one.lineno in scores
    ]


def weighed(
    text: str, line: int, clues: Clues = NO_CLUES, kinds: dict[str, set[str]] | None = None
) -> dict[str, float]:
    """What each edit of a line leads to, with its prior."""
    known = {"p.py": {line: kinds or {}}}
    found: dict[str, float] = {}
    for one in Candidates(suspects_of(text, {line: 1.0}), known, clues):
        after = apply_edits(text, one.edits)
        found[after] = max(found.get(after, 0.0), one.prior)
    return found


def clues(message: str, tmp_path: Path) -> Clues:
    """Of one failing test that says so."""
    (tmp_path / "t.py").write_text("def test(): pass\n")
    outcome = Outcome("failed", message, frames=[(str(tmp_path / "p.py"), 2)])
    return clues_of(Goal(["t.py::test"], Baseline({"t.py::test": outcome})), tmp_path, {str(tmp_path / "p.py"): "p.py"})


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("tuple(rows)", "rows = tuple(rows)"),
        ("text.strip()", "text = text.strip()"),
        ("re.sub('a', 'b', text)", "text = re.sub('a', 'b', text)"),
        ("tuple(wrap(row) for row in rows)", "rows = tuple(wrap(row) for row in rows)"),
        ("self.rows.copy()", "self.rows = self.rows.copy()"),
        ("text.upper()", "return text.upper()"),
        ("staticmethod(rows)", "rows = staticmethod(rows)"),
    ],
)
def test_a_result_that_nobody_takes_is_taken_however_few_tests_blame_it(line: str, right: str) -> None:
    text = f"def f(self, rows, text):\n    {line}\n    total = len(rows) + len(text)\n    return total\n"
    order = [apply_edits(text, one.edits) for one in Candidates(suspects_of(text, {2: 0.05, 3: 0.4, 4: 0.4}), {})]
    assert text.replace(line, right) in order[:8]


def test_a_call_that_may_have_an_effect_is_not_taken_for_one_with_a_result_only() -> None:
    text = "def f(rows, text):\n    rows.update(text)\n    total = len(rows)\n    return total\n"
    order = [apply_edits(text, one.edits) for one in Candidates(suspects_of(text, {2: 0.05, 3: 0.4, 4: 0.4}), {})]
    assert text.replace("    rows.update", "    rows = rows.update") not in order[:60]


def test_a_call_with_too_few_arguments_gets_one(tmp_path: Path) -> None:
    text = "def f(kind, rows, size):\n    out = cast(kind)\n    return out, size\n"
    kinds = {"rows": {"list"}, "kind": {"str"}, "size": {"int"}}
    told = clues("p.py:2: TypeError: cast() missing 1 required positional argument: 'val'", tmp_path)
    assert told.short == {"cast": ("val",)}
    found = weighed(text, 2, told, kinds)
    assert found[text.replace("cast(kind)", "cast(kind, rows)")] == max(found.values()), "nothing else uses rows"
    assert found[text.replace("cast(kind)", "cast(kind, tuple(rows))")] >= 0.25
    assert (
        found[text.replace("cast(kind)", "cast(kind, rows)")] > 2 * found[text.replace("cast(kind)", "cast(kind, 0)")]
    )
    named = clues("p.py:2: TypeError: cast() missing 1 required positional argument: 'size'", tmp_path)
    found = weighed(text.replace("rows", "kind2"), 2, named, kinds)
    assert found[text.replace("rows", "kind2").replace("cast(kind)", "cast(kind, size)")] == max(found.values())
    assert text.replace("cast(kind)", "cast(kind, tuple(rows))") not in weighed(text, 2, NO_CLUES, kinds)


def test_a_call_is_completed_as_others_of_the_function_are(tmp_path: Path) -> None:
    text = "def f(heap, job):\n    heappush(heap)\n\n\ndef g(heap, job):\n    heappush(heap, (job.rank, job))\n"
    told = clues("p.py:2: TypeError: heappush expected 2 arguments, got 1", tmp_path)
    assert told.short == {"heappush": ()}
    assert weighed(text, 2, told)[text.replace("heappush(heap)", "heappush(heap, (job.rank, job))")] >= 0.5


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ('f"#!{a}"', 'f"#!{a}".encode()', {}),
        ('"text"', 'b"text"', {}),
        ("a", "a.encode()", {"a": {"str"}}),
        ("a", "a.decode()", {"a": {"bytes"}}),
    ],
)
def test_text_and_bytes_are_made_alike_where_they_met(
    tmp_path: Path, before: str, after: str, kinds: dict[str, set[str]]
) -> None:
    text = f"def f(out, a):\n    out.write({before})\n"
    told = clues("p.py:2: TypeError: a bytes-like object is required, not 'str'", tmp_path)
    found = weighed(text, 2, told, kinds)
    assert found[text.replace(f"({before})", f"({after})")] >= 0.5
    other = clues("p.py:2: TypeError: 'int' object is not iterable", tmp_path)
    assert told.about_bytes and not other.about_bytes


@pytest.mark.parametrize("kind", ["dictionary changed size", "Set changed size", "deque mutated"])
def test_what_changes_while_a_loop_goes_through_it_is_copied(kind: str, tmp_path: Path) -> None:
    text = "def f(a):\n    for key in a.keys():\n        g(a, key)\n"
    told = clues(f"p.py:2: RuntimeError: {kind} during iteration", tmp_path)
    copied = text.replace("a.keys()", "list(a.keys())")
    assert weighed(text, 2, told)[copied] >= 3 * weighed(text, 2)[copied]


def test_what_cant_be_added_is_made_what_can(tmp_path: Path) -> None:
    text = "def f(a, b):\n    a += (g(x) for x in b)\n    return a\n"
    told = clues('p.py:2: TypeError: can only concatenate tuple (not "generator") to tuple', tmp_path)
    made = text.replace("(g(x) for x in b)", "tuple((g(x) for x in b))")
    assert weighed(text, 2, told)[made] >= 0.5 > weighed(text, 2)[made]


def test_nothing_is_what_is_left_of_a_name_that_nothing_reads() -> None:
    text = "def f(zoom, tile):\n    x, level = tile\n    target = zoom\n    return x, target\n"
    found = weighed(text, 3, kinds={"zoom": {"int", "NoneType"}, "level": {"int"}})
    assert text.replace("= zoom", "= zoom if zoom is not None else level + 1") in found


def test_a_guard_stands_before_what_it_stands_before_elsewhere() -> None:
    text = (
        "class A:\n    def f(self):\n        if self.off:\n            return\n"
        "        with self.lock:\n            g()\n"
        "    def h(self, n):\n        with self.lock:\n            self.n += n\n"
    )
    guard = "if self.off:\n            return\n        "
    outside = weighed(text, 8)[
        text.replace("with self.lock:\n            self.n", guard + "with self.lock:\n            self.n")
    ]
    inside = weighed(text, 9)[
        text.replace("            self.n", "            if self.off:\n                return\n            self.n")
    ]
    assert outside > inside


def test_a_value_has_a_case_for_nothing() -> None:
    text = "def f(self, default):\n    return self.map(lambda v: v[0])\n"
    found = weighed(text, 2, Clues(raised=frozenset({"IndexError"})))
    assert (
        found[text.replace("v[0]", "v[0] if v else default")] > 3 * found[text.replace("v[0]", "v[0] if v else None")]
    )
    text = 'def f(path, query):\n    return path + (f"?{query}") + path\n'
    assert text.replace('{query}"', '{query}" if query else ""') in weighed(text, 2)


def test_a_name_that_nothing_reads_may_come_before_what_is_usual() -> None:
    text = "def f(self, data):\n    body, kind = read(data)\n    self.kind = self.usual\n    return body\n"
    found = weighed(text, 3)
    assert found[text.replace("= self.usual", "= kind or self.usual")] > 0.3


def test_an_attribute_that_is_read_in_the_beginning_begins_before_that() -> None:
    text = "class A:\n    def __init__(self, names):\n        self.last = None\n"
    text += "        for name in names:\n            self.seen.append(name)\n"
    found = weighed(text, 3, Clues(lacking=frozenset({("A", "seen")})))
    assert text.replace("        self.last", "        self.seen = []\n        self.last") in found


UNUSED = """from steps import clean, complete


def normalize(url, scheme):
    url = clean(url)
    return url
"""


def test_a_function_that_is_imported_and_never_called_was_meant_to_be() -> None:
    found = weighed(UNUSED, 5)
    assert found[UNUSED.replace("    return", "    url = complete(url, scheme)\n    return")] >= 0.6
    assert UNUSED.replace("clean(url)", "complete(clean(url), scheme)") in found
    used = UNUSED + "\n\ncomplete('a', 'b')\n"
    assert used.replace("    return", "    url = complete(url, scheme)\n    return") not in weighed(used, 5)


def test_annotations_are_no_code() -> None:
    text = "def f(a: int | None, b: list[str] = 1) -> dict[str, int]:\n    c: int | None = a + 1\n    return c\n"
    for line in (1, 2):
        for after in weighed(text, line):
            assert all(part in after for part in ("a: int | None", "b: list[str]", "-> dict[str, int]:")), after
            assert "c: int | None =" in after or "c:" not in after, after


def test_a_type_that_a_failing_test_brings_is_among_the_first_that_are_asked_for() -> None:
    text = "def f(a):\n    if isinstance(a, int):\n        return a\n    return Odd()\n"
    seen = weighed(text, 2, kinds={"a": {"Odd"}})
    unseen = weighed(text, 2)
    right = text.replace("a, int", "a, (int, Odd)")
    assert seen[right] > unseen.get(right, 0.0)
    assert seen[right] >= max(weight for after, weight in seen.items() if "isinstance(a, (" in after)


def after_each(text: str, line: int, clues: Clues = NO_CLUES, template: str = "") -> list[str]:
    """What the edits of a line lead to, in their order; only those of one template, if it is given."""
    order = Candidates(suspects_of(text, {line: 1.0}), {}, clues)
    return [apply_edits(text, one.edits) for one in order if template in ("", one.template)]


def test_a_check_without_a_type_is_for_one_that_the_file_asks_for_elsewhere() -> None:
    text = "def f(a, b):\n    if isinstance(a, Odd):\n        return a\n    return isinstance(b) or a\n"
    order = Candidates(suspects_of(text, {4: 0.05, 2: 0.4}), {})
    first = [apply_edits(text, one.edits) for one in order][:3]
    assert text.replace("(b)", "(b, Odd)") in first
    assert text.replace("(b)", "(b, str)") in after_each(text, 4)
    doubled = text.replace("(b)", "((b))")
    assert doubled.replace("((b))", "((b), Odd)") in after_each(doubled, 4, template="type missing")
    assert not after_each(text.replace("(b)", "(*b)"), 4, template="type missing")


def test_an_assignment_that_comes_too_late_goes_before_what_reads_it() -> None:
    text = "def f(xs):\n    for x in xs:\n        y = hx ^ 3\n        hx = hash(x)\n        print(y)\n"
    right = "def f(xs):\n    for x in xs:\n        hx = hash(x)\n        y = hx ^ 3\n        print(y)\n"
    assert after_each(text, 3, Clues(nameless=frozenset({"hx"})))[0] == right
    assert right not in after_each(text, 3, template="name bound too late")


def test_a_name_without_a_value_gets_one_as_its_neighbours_do() -> None:
    text = "def f(box):\n    width = box.getWidth()\n    wide = box.get_wide()\n    return width * height * tall\n"
    found = after_each(text, 4, Clues(nameless=frozenset({"height", "tall"})), "name given a value")
    for line in ("height = box.getHeight()", "tall = box.get_tall()"):
        assert any(f"    {line}\n    return" in one for one in found), line


def test_a_missing_step_is_about_what_nothing_reads() -> None:
    text = (
        "def g(b):\n    hh, mm = divmod(b.minutes, 60)\n    size = len(b)\n    return hh, mm, size\n\n\n"
        "def f(a):\n    seconds = a.seconds\n    assert not mm % 60\n    mm //= 60\n    return hh, mm\n"
    )
    clues = Clues(nameless=frozenset({"hh", "mm"}))
    right = text.replace("    assert", "    hh, mm = divmod(seconds, 60)\n    assert")
    assert right in after_each(text, 9, clues, "name given a value")[:6]
    read = text.replace("hh, mm\n", "hh, mm, seconds\n")
    assert read.replace("    assert", "    hh, mm = divmod(seconds, 60)\n    assert") not in after_each(read, 9, clues)


def test_no_name_gets_a_value_that_is_made_of_itself() -> None:
    text = (
        "class A:\n    def g(self):\n        args = list(args)\n        part = self.args[0]\n        return part\n\n"
        "    def f(self):\n        return expr.size\n"
    )
    found = after_each(text, 8, Clues(nameless=frozenset({"expr"})), "name given a value")
    assert any("expr = self.g()" in one for one in found)
    assert not [one for one in found if "list(expr)" in one]


def test_of_types_the_one_that_several_places_ask_for_is_missing() -> None:
    text = (
        "class Dice(Element): pass\n\n\ndef f(a, b):\n    if isinstance(a, Element) or isinstance(b, Element):\n"
        "        return isinstance(b)\n    return a\n"
    )
    order = Candidates(suspects_of(text, {6: 1.0}), {"p.py": {6: {"b": {"Dice"}}}})
    first = [apply_edits(text, one.edits) for one in order if one.template == "type missing"][:2]
    assert first == [text.replace("(b)", "(b, Element)"), text.replace("(b)", "(b, Dice)")]


def test_where_a_none_came_back_a_local_name_is_returned_in_its_place() -> None:
    text = "def f(a, b):\n    tag = a + b\n    return b.run(tag)\n"
    found = {clue: weighed(text, 3, Clues(about_none=clue)) for clue in (True, False)}
    right = text.replace("run(tag)", "run(tag) or tag")
    assert found[True][right] > 2 * found[False][right]


def test_an_empty_text_that_says_nothing_was_another() -> None:
    text = 'def f(a):\n    # the ! comes first\n    return a.startswith("") or a in ("r", "")\n'
    found = after_each(text, 3, Clues(words=("w", "much longer")), "empty text")
    assert text.replace('startswith("")', "startswith('!')") in found
    assert text.replace('"r", ""', "\"r\", 'w'") in found
    assert not any("much" in one for one in found)
    assert not after_each('def f(a):\n    return a + "" or a == ""\n', 2, template="empty text")


def test_any_part_of_a_term_may_be_grouped() -> None:
    text = "def f(a, b, c, d):\n    return (a if d else b) + b | c | d\n"
    found = after_each(text, 2, template="regrouped")
    assert text.replace("b | c | d", "(b | c | d)") in found
    assert text.replace("b | c", "(b | c)") in found


def test_on_top_of_an_edit_the_rest_of_its_function_is_suspected_first() -> None:
    text = "def f(a):\n    b = a\n    def g():\n        return b\n    return g\n\n\ndef h(c):\n    return c\n"
    even = suspects_of(text, {2: 0.5, 4: 0.5, 5: 0.5, 9: 0.6})
    assert [one.line for one in nearest_first(even, 2)][:2] == [2, 5]
    assert [one.line for one in nearest_first(even, 4)][:2] == [4, 9]
    assert [one.line for one in nearest_first(even, 7)] == [9, 2, 4, 5], "outside of all functions nothing is near"
    assert nearest_first([], 2) == []
