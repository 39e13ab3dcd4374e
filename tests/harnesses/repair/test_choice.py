"""Which of several patches that pass is proposed: the one that a reviewer would find the least odd."""

from __future__ import annotations

import pytest

from mogplex.harnesses.repair.engine.choose import becomes_like_neighbour, hunk, rank
from mogplex.harnesses.repair.engine.edit import Candidate, Edit
from mogplex.harnesses.repair.engine.oddities import fixed_conditions, is_hard_coded, is_idle, is_reordered, only_drops
from mogplex.harnesses.repair.engine.source import Source
from mogplex.harnesses.repair.engine.trial import Plausible
from mogplex.harnesses.repair.engine.units import Compiler


def patch(text: str, old: str, new: str, prior: float = 0.3) -> Plausible:
    source = Source("code.py", text.encode())
    start = text.index(old)
    candidate = Candidate("code.py", source.line_of(start), (Edit(start, start + len(old), new),), "any", prior, 0.3)
    return Plausible(candidate, Compiler(source, "/code.py").compile(candidate))


def test_a_patch_that_keeps_tests_from_where_they_died_is_worse() -> None:
    text = "def f(a, b):\n    if a < b:\n        return a + b\n"
    hiding, mending = patch(text, "<", ">"), patch(text, "a + b", "a + len(b)")
    sources = {"code.py": Source("code.py", text.encode())}
    assert rank([hiding, mending], sources, set()) == [hiding, mending]
    assert rank([hiding, mending], sources, set(), hiding={hiding.compiled.text}) == [mending, hiding]


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_line_is_no_neighbour_of_itself(end: str) -> None:
    text = f"def f(a, b):\n    return a{end}"
    one = patch(text, "return a", "return b")
    source = Source("code.py", text.encode())
    assert not becomes_like_neighbour(source, one.candidate.edits, *hunk(source, one.candidate.edits))


@pytest.mark.parametrize(
    ("text", "old", "better", "worse"),
    [
        pytest.param(
            "def f(self, path):\n    self.path = g(path)\n    self.part = path + '.part'\n", "path + '.part'",
            "self.path + '.part'", "path", id="an operand is not just dropped",
        ),
        pytest.param(
            "def f(self, other):\n    return isinstance(other, bool)\n", "isinstance(other, bool)",
            "isinstance(other, (bool, Bool))", "isinstance(True, bool)", id="a condition stays a question",
        ),
        pytest.param(
            "def f(a, other):\n    if isinstance(other, bool):\n        return a\n", "isinstance(other, bool)",
            "isinstance(other, (bool, Bool))", "isinstance(other, bool) is None", id="what is never None",
        ),
        pytest.param(
            "def f(a, b):\n    if math.isnan(a):\n        return b\n", "math.isnan(a)",
            "math.isnan(a) or math.isnan(b)", "math.isnan(a) is not None", id="nor what only ever says yes or no",
        ),
        pytest.param(
            "def f(a, b=None):\n    c = b or a.sort\n    return c\n", "b=None):\n    c = b or a.sort",
            "b=None):\n    c = b or a.sorted", "b=1):\n    c = b or a.sort", id="a default of None is left alone",
        ),
        pytest.param(
            "def f(a, n):\n    n = n\n    return a[n:] + a[:n]\n", "a[n:] + a[:n]", "a[n + 1 :] + a[: n + 1]",
            "a[1:] + a[:1]", id="no constant where something was computed",
        ),
        pytest.param(
            "def f(self, a):\n    a = g(a)\n    stmt\n", "    a = g(a)\n    stmt\n", "    a = g(a)\n    return stmt\n",
            "    a = h(a)\n    stmt\n", id="an idle statement was meant to do something",
        ),
        pytest.param(
            "def f(a):\n    old[0] = a\n    old = g(a)\n    old[1] = a\n", "    old[0] = a\n    old = g(a)\n",
            "    old = g(a)\n    old[0] = a\n", "    old = g(a)\n    old[0] = a\n    old = g(a)\n",
            id="order before repeats",
        ),
        pytest.param(
            "def f(a, b):\n    v = int(a.get(k))\n    if b.get(k) is not None:\n        w = int(b.get(k))\n",
            "    v = int(a.get(k))\n", "    if a.get(k) is not None:\n        v = int(a.get(k))\n",
            "    v = int(a.get(k, 0))\n", id="what becomes the copy of its neighbour, with other words",
        ),
        pytest.param(
            "def f(a, b):\n    low = g(a.first)\n    high = g(a.second)\n    return low, high\n", "g(a.first)",
            "g(b.first)", "g(a.second)", id="nothing is computed twice",
        ),
        pytest.param(
            "def f(self, rows, sizes):\n    self.rows = rows\n    self.rows = sizes\n    return self.sizes\n",
            "self.rows = sizes\n    return self.sizes", "self.sizes = sizes\n    return self.sizes",
            "self.rows = sizes\n    return self.rows", id="what gets a value of its own name",
        ),
        pytest.param(
            "def f(self, data):\n    self.stack.append(data)\n    return self.data, self.lines\n", "self.stack.append",
            "self.data.append", "self.lines.append", id="what is put into a thing of its own name",
        ),
        pytest.param(
            "def f(self, other):\n    return min(self.low, other.low), self.high, max\n", "min(self.low, other.low)",
            "max(self.low, other.low)", "min(self.high, other.low)", id="the same is asked of both sides",
        ),
        pytest.param(
            "def f(n):\n    return (n - 1 % 5) == 0\n", "(n - 1 % 5) == 0", "((n - 1) % 5) == 0", "(n - 1 % 5) != 0",
            id="nobody computes with two numbers that are known",
        ),
        pytest.param(
            "def f(row, key):\n    row = row.strip()\n    return key\n", "return key", "return key.strip()",
            "return key.title()", id="words that the function has already",
        ),
        pytest.param(
            "def f(a, val):\n    a[val] = True\n", "a[val]", "a[value]", "a[eval]", id="what is built in is called",
        ),
        pytest.param(
            "def g(a):\n    return a + 1\n\n\ndef f(a, flag=True):\n    g(a)\n    return h(a, True)\n",
            "    g(a)\n    return h(a, True)", "    a = g(a)\n    return h(a, True)",
            "    g(a)\n    return h(a, False)",
            id="what a function gives is kept",
        ),
        pytest.param(
            "def g(a):\n    return a + 1\n\n\ndef f(a):\n    g(a)\n    return h(a)\n", "    g(a)\n    return h(a)",
            "    g(a)\n    return h(b)", "    if h:\n        g(a)\n    return h(a)",
            id="what is dropped under an `if` is dropped",
        ),
        pytest.param(
            "def f(flag, name):\n    return h(g(), flag), name\n", "g()", "g(name)", "g(flag)",
            id="nothing is given twice",
        ),
        pytest.param(
            "def f(text):\n    return text.split('#')[-1]\n", "[-1]", "[0]", "[-2]",
            id="what is far back is rarely meant",
        ),
        pytest.param(
            "from a import Bad, Worse\n\n\ndef f(a):\n    try:\n        g(a, 1)\n    except Bad:\n        return a\n",
            "g(a, 1)\n    except Bad", "g(a)\n    except Bad", "g(a, 1)\n    except Worse",
            id="nothing is gained by one import in the place of another",
        ),
        pytest.param(
            "def f(xs, n, v):\n    return [x for x in xs]\n",
            "for x in xs", "for x in xs if n != v", "for x in xs if n",
            id="all that nothing has read is read",
        ),
        pytest.param(
            "def f(a, b):\n    if not b:\n        return 1\n    return a, 2\n", "not b", "not a or b", "not a",
            id="nothing is left unread",
        ),
        pytest.param(
            "class C:\n    def f(self, a):\n        self._b = a\n        self.c = a\n"
            "    def g(self):\n        return h or self.c\n", "h or self.c", "self._b or self.c", "self.c or self.c",
            id="an attribute that nothing has read is read",
        ),
        pytest.param(
            "def f(n):\n    def g(a):\n        nonlocal n\n        n = a + 1\n        return a\n    return g\n",
            "a + 1", "a - 1", "a + n + 1", id="what a function sets for the one around it is read there",
        ),
    ],
)  # fmt: skip
def test_the_less_odd_patch_is_better(text: str, old: str, better: str, worse: str) -> None:
    good, bad = patch(text, old, better), patch(text, old, worse)
    sources = {"code.py": Source("code.py", text.encode())}
    assert rank([bad, good], sources, set()) == [good, bad] == rank([good, bad], sources, set())


def test_a_name_that_stands_once_was_another() -> None:
    text = "def f(self, a):\n    b = a + 1\n    print(b)\n    return c\n"
    source, start = Source("code.py", text.encode()), text.index("    return")
    line = Edit(start, start, "    c = self.b()\n")
    given = Candidate("code.py", 4, (line,), "any", 0.9, 0.6)
    twice = text.replace("print(b)", "print(c)")
    sources = {"code.py": source}
    other = patch(text, "return c", "return a")
    inserted = Plausible(given, Compiler(source, "/code.py").compile(given))
    assert rank([inserted, other], sources, set()) == [other, inserted]
    again = Source("code.py", twice.encode())
    inserted = Plausible(given, Compiler(again, "/code.py").compile(given))
    assert rank([patch(twice, "return c", "return a"), inserted], {"code.py": again}, set())[0] is inserted


def test_what_becomes_the_copy_of_a_line_near_by_is_better() -> None:
    text = (
        "def f(a, b):\n    low = a.low and b.low\n    if a.high < b.high:\n        return low\n"
        "    high = a.high or b.high\n    return low, high\n"
    )
    alike, other = patch(text, "a.high or", "a.high and", prior=0.5), patch(text, "a.high <", "a.high <=", prior=0.8)
    assert rank([other, alike], {"code.py": Source("code.py", text.encode())}, set()) == [alike, other]
    unlike = text.replace("a.low and b.low", "a.low and b.low or b")
    alike, other = (
        patch(unlike, "a.high or", "a.high and", prior=0.5),
        patch(unlike, "a.high <", "a.high <=", prior=0.8),
    )
    assert rank([other, alike], {"code.py": Source("code.py", unlike.encode())}, set()) == [other, alike]


def test_a_kind_of_bug_that_is_common_is_better_among_equals() -> None:
    text = "def f(a, b):\n    return a < b\n"
    common, rare = patch(text, "<", "<=", prior=1.0), patch(text, "<", "!=", prior=0.2)
    assert rank([rare, common], {"code.py": Source("code.py", text.encode())}, set()) == [common, rare]


def test_what_is_odd() -> None:
    assert is_reordered("a = 1\nb = 2\n", "b = 2\na = 1\n") and not is_reordered("a = 1\n", "a = 1\n")
    assert only_drops("x = a + b\n", "x = a\n") and not only_drops("x = a + 1\n", "x = a\n")
    assert not only_drops("x = not a\n", "x = a\n"), "one word is no behaviour"
    assert is_hard_coded("return min(a)\n", "return True\n") and not is_hard_coded("return a\n", "return b\n")
    assert is_hard_coded("g(a)\n", "if a == 5:\n    g(a)\n") and not is_hard_coded(
        "g(a)\n", "if a is None:\n    g(a)\n"
    )
    assert fixed_conditions("if x == x:\n") == ["x == x"] and fixed_conditions("if len(x) is None:\n")
    assert fixed_conditions("if x in (y, x):\n") == ["x in (y, x)"]
    assert not fixed_conditions("if x in y or x is None:\n") and not fixed_conditions("if x in (y, 1):\n")
    assert is_idle("stmt\n") and is_idle("a == b\n") and not is_idle("stmt()\n") and not is_idle('"""Words."""\n')
