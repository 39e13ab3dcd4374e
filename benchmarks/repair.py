"""How many one-line bugs the repair harness fixes: small programs of our own, each broken by a written recipe.

    python benchmarks/repair.py [--seconds 60] [--only NAME] [--keep]

The recipes say what a tired programmer gets wrong; they were written down before looking at the list of templates.
Prints one line a bug (fixed, and whether the patch restores the original line), then the total and candidates a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from mogplex.harnesses.repair.toolkit import Toolkit


@dataclass(frozen=True)
class Bug:
    """`right` is replaced by `wrong` in `program`; `tests` fail then."""

    name: str
    program: str
    right: str
    wrong: str
    tests: str


BUGS = [
    Bug(
        "interval merge forgets touching ends",
        """
def merge(spans):
    spans = sorted(spans)
    merged = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
""",
        "start <= merged[-1][1]",
        "start < merged[-1][1]",
        """
from program import merge
def test_apart(): assert merge([(5, 6), (1, 2)]) == [(1, 2), (5, 6)]
def test_overlap(): assert merge([(1, 4), (2, 6)]) == [(1, 6)]
def test_touch(): assert merge([(1, 2), (2, 3)]) == [(1, 3)]
def test_inside(): assert merge([(1, 9), (2, 3)]) == [(1, 9)]
""",
    ),
    Bug(
        "interval merge keeps the later end only",
        """
def merge(spans):
    spans = sorted(spans)
    merged = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
""",
        "max(merged[-1][1], end)",
        "end",
        """
from program import merge
def test_apart(): assert merge([(5, 6), (1, 2)]) == [(1, 2), (5, 6)]
def test_overlap(): assert merge([(1, 4), (2, 6)]) == [(1, 6)]
def test_touch(): assert merge([(1, 2), (2, 3)]) == [(1, 3)]
def test_inside(): assert merge([(1, 9), (2, 3)]) == [(1, 9)]
""",
    ),
    Bug(
        "roman numerals read a pair the wrong way round",
        """
VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def to_number(roman):
    total = 0
    for here, following in zip(roman, roman[1:] + "I"):
        if VALUES[here] < VALUES[following]:
            total -= VALUES[here]
        else:
            total += VALUES[here]
    return total
""",
        "total -= VALUES[here]",
        "total -= VALUES[following]",
        """
from program import to_number
import pytest
@pytest.mark.parametrize("roman, number", [("III", 3), ("IV", 4), ("XC", 90), ("MCMXCIV", 1994), ("XIV", 14)])
def test_number(roman, number): assert to_number(roman) == number
""",
    ),
    Bug(
        "roman numerals have a wrong value in the table",
        """
VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def to_number(roman):
    total = 0
    for here, following in zip(roman, roman[1:] + "I"):
        if VALUES[here] < VALUES[following]:
            total -= VALUES[here]
        else:
            total += VALUES[here]
    return total
""",
        '"L": 50',
        '"L": 500',
        """
from program import to_number
import pytest
@pytest.mark.parametrize("roman, number", [("III", 3), ("IV", 4), ("XC", 90), ("LX", 60), ("XL", 40), ("D", 500)])
def test_number(roman, number): assert to_number(roman) == number
""",
    ),
    Bug(
        "graph search never marks a node as seen",
        """
def reachable(graph, start):
    seen = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        for other in graph.get(node, []):
            waiting.append(other)
    return seen
""",
        "        seen.add(node)\n",
        "",
        """
from program import reachable
def test_line(): assert reachable({"a": ["b"], "b": ["c"]}, "a") == {"a", "b", "c"}
def test_loop(): assert reachable({"a": ["b"], "b": ["a"]}, "a") == {"a", "b"}
def test_alone(): assert reachable({}, "a") == {"a"}
""",
    ),
    Bug(
        "graph search trusts that every node has edges",
        """
def reachable(graph, start):
    seen = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        for other in graph.get(node, []):
            waiting.append(other)
    return seen
""",
        "graph.get(node, [])",
        "graph[node]",
        """
from program import reachable
def test_line(): assert reachable({"a": ["b"], "b": ["c"]}, "a") == {"a", "b", "c"}
def test_loop(): assert reachable({"a": ["b"], "b": ["a"]}, "a") == {"a", "b"}
def test_alone(): assert reachable({}, "a") == {"a"}
""",
    ),
    Bug(
        "greatest common divisor recurses with its arguments the wrong way",
        """
def gcd(a, b):
    if b == 0:
        return a
    return gcd(b, a % b)
""",
        "gcd(b, a % b)",
        "gcd(a % b, b)",
        """
from program import gcd
def test_some(): assert gcd(12, 18) == 6
def test_prime(): assert gcd(17, 5) == 1
def test_zero(): assert gcd(9, 0) == 9
""",
    ),
    Bug(
        "a queue of two stacks pours out too eagerly",
        """
class Queue:
    def __init__(self):
        self.inbox = []
        self.outbox = []

    def push(self, item):
        self.inbox.append(item)

    def pop(self):
        if not self.outbox:
            while self.inbox:
                self.outbox.append(self.inbox.pop())
        return self.outbox.pop()

    def __len__(self):
        return len(self.inbox) + len(self.outbox)
""",
        "        if not self.outbox:\n            while",
        "        if self.inbox:\n            while",
        """
from program import Queue
def test_order():
    queue = Queue()
    queue.push(1)
    queue.push(2)
    assert queue.pop() == 1
    queue.push(3)
    assert [queue.pop(), queue.pop()] == [2, 3]
def test_length():
    queue = Queue()
    queue.push(1)
    assert len(queue) == 1
""",
    ),
    Bug(
        "a counter of words forgets case",
        """
import re


def count_words(text):
    counts = {}
    for word in re.findall(r"[a-z']+", text.lower()):
        counts[word] = counts.get(word, 0) + 1
    return counts


def top(text, number):
    counts = count_words(text)
    return sorted(counts, key=lambda word: (-counts[word], word))[:number]
""",
        "text.lower()",
        "text",
        """
from program import count_words, top
def test_case(): assert count_words("The the cat") == {"the": 2, "cat": 1}
def test_plain(): assert count_words("a b a") == {"a": 2, "b": 1}
def test_top(): assert top("b a b c", 2) == ["b", "a"]
""",
    ),
    Bug(
        "a counter of words sorts the rare ones first",
        """
import re


def count_words(text):
    counts = {}
    for word in re.findall(r"[a-z']+", text.lower()):
        counts[word] = counts.get(word, 0) + 1
    return counts


def top(text, number):
    counts = count_words(text)
    return sorted(counts, key=lambda word: (-counts[word], word))[:number]
""",
        "-counts[word], word",
        "counts[word], word",
        """
from program import count_words, top
def test_case(): assert count_words("The the cat") == {"the": 2, "cat": 1}
def test_top(): assert top("b a b c", 2) == ["b", "a"]
def test_all(): assert top("b a b c", 9) == ["b", "a", "c"]
""",
    ),
    Bug(
        "sieve starts crossing out at the prime itself",
        """
def primes(limit):
    alive = [True] * (limit + 1)
    found = []
    for number in range(2, limit + 1):
        if alive[number]:
            found.append(number)
            for multiple in range(number * number, limit + 1, number):
                alive[multiple] = False
    return found
""",
        "alive = [True] * (limit + 1)",
        "alive = [True] * limit",
        """
from program import primes
def test_ten(): assert primes(10) == [2, 3, 5, 7]
def test_thirteen(): assert primes(13) == [2, 3, 5, 7, 11, 13]
def test_none(): assert primes(1) == []
""",
    ),
    Bug(
        "matrix spiral walks back over the last row",
        '''
def rotate(matrix):
    """Turn a matrix clockwise."""
    height, width = len(matrix), len(matrix[0])
    turned = [[None] * height for _ in range(width)]
    for row in range(height):
        for column in range(width):
            turned[column][height - 1 - row] = matrix[row][column]
    return turned
''',
        "height - 1 - row",
        "width - 1 - row",
        """
from program import rotate
def test_square(): assert rotate([[1, 2], [3, 4]]) == [[3, 1], [4, 2]]
def test_wide(): assert rotate([[1, 2, 3]]) == [[1], [2], [3]]
def test_tall(): assert rotate([[1], [2], [3]]) == [[3, 2, 1]]
""",
    ),
    Bug(
        "brackets: an unopened one passes",
        """
PAIRS = {")": "(", "]": "[", "}": "{"}


def balanced(text):
    open_ones = []
    for character in text:
        if character in PAIRS.values():
            open_ones.append(character)
        elif character in PAIRS:
            if not open_ones or open_ones.pop() != PAIRS[character]:
                return False
    return not open_ones
""",
        "if not open_ones or open_ones.pop()",
        "if open_ones and open_ones.pop()",
        """
from program import balanced
def test_good(): assert balanced("a(b[c]{d})")
def test_crossed(): assert not balanced("([)]")
def test_unopened(): assert not balanced(")")
def test_unclosed(): assert not balanced("((")
def test_empty(): assert balanced("")
""",
    ),
    Bug(
        "a linked list reverses into nothing",
        """
class Node:
    def __init__(self, value, following=None):
        self.value = value
        self.following = following


def reverse(node):
    before = None
    while node is not None:
        node.following, before, node = before, node, node.following
    return before


def values(node):
    found = []
    while node is not None:
        found.append(node.value)
        node = node.following
    return found
""",
        "    return before\n",
        "    return node\n",
        """
from program import Node, reverse, values
def test_three(): assert values(reverse(Node(1, Node(2, Node(3))))) == [3, 2, 1]
def test_one(): assert values(reverse(Node(1))) == [1]
def test_none(): assert reverse(None) is None
""",
    ),
    Bug(
        "coins: the ways are counted from an empty table",
        """
def ways(coins, amount):
    table = [1] + [0] * amount
    for coin in coins:
        for target in range(coin, amount + 1):
            table[target] += table[target - coin]
    return table[amount]
""",
        "range(coin, amount + 1)",
        "range(amount + 1)",
        """
from program import ways
def test_small(): assert ways([1, 2], 3) == 2
def test_money(): assert ways([1, 2, 5], 5) == 4
def test_none(): assert ways([7], 3) == 0
def test_zero(): assert ways([1], 0) == 1
""",
    ),
    Bug(
        "edit distance charges for equal letters",
        """
def distance(one, other):
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            cost = 0 if left == right else 1
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + cost)
    return row[-1]
""",
        "before + cost)",
        "before + 1)",
        """
from program import distance
def test_same(): assert distance("abc", "abc") == 0
def test_sub(): assert distance("kitten", "sitting") == 3
def test_empty(): assert distance("", "ab") == 2
""",
    ),
    Bug(
        "flatten yields the inner generators",
        """
def flatten(items):
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from flatten(item)
        else:
            yield item
""",
        "yield from flatten(item)",
        "yield flatten(item)",
        """
from program import flatten
def test_flat(): assert list(flatten([1, 2])) == [1, 2]
def test_deep(): assert list(flatten([1, [2, (3,)]])) == [1, 2, 3]
""",
    ),
    Bug(
        "flatten knows lists only",
        """
def flatten(items):
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from flatten(item)
        else:
            yield item
""",
        "isinstance(item, (list, tuple))",
        "isinstance(item, list)",
        """
from program import flatten
def test_flat(): assert list(flatten([1, 2])) == [1, 2]
def test_deep(): assert list(flatten([1, [2, (3,)]])) == [1, 2, 3]
""",
    ),
    Bug(
        "a cache evicts the newest entry",
        """
from collections import OrderedDict


class Cache:
    def __init__(self, size):
        self.size = size
        self.entries = OrderedDict()

    def get(self, key, default=None):
        if key not in self.entries:
            return default
        self.entries.move_to_end(key)
        return self.entries[key]

    def put(self, key, value):
        self.entries[key] = value
        self.entries.move_to_end(key)
        if len(self.entries) > self.size:
            self.entries.popitem(last=False)
""",
        "popitem(last=False)",
        "popitem(last=True)",
        """
from program import Cache
def test_evicts():
    cache = Cache(2)
    for key in "abc":
        cache.put(key, key)
    assert cache.get("a") is None and cache.get("c") == "c"
def test_get_refreshes():
    cache = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert cache.get("a") == 1 and cache.get("b", 0) == 0
""",
    ),
    Bug(
        "a cache read does not refresh its entry",
        """
from collections import OrderedDict


class Cache:
    def __init__(self, size):
        self.size = size
        self.entries = OrderedDict()

    def get(self, key, default=None):
        if key not in self.entries:
            return default
        self.entries.move_to_end(key)
        return self.entries[key]

    def put(self, key, value):
        self.entries[key] = value
        self.entries.move_to_end(key)
        if len(self.entries) > self.size:
            self.entries.popitem(last=False)
""",
        "        self.entries.move_to_end(key)\n        return",
        "        return",
        """
from program import Cache
def test_evicts():
    cache = Cache(2)
    for key in "abc":
        cache.put(key, key)
    assert cache.get("a") is None and cache.get("c") == "c"
def test_get_refreshes():
    cache = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert cache.get("a") == 1 and cache.get("b", 0) == 0
""",
    ),
    Bug(
        "defaults are shared between calls",
        """
def collect(item, into=None):
    if into is None:
        into = []
    into.append(item)
    return into
""",
        "into=None):\n    if into is None:\n        into = []\n",
        "into=[]):\n",
        """
from program import collect
def test_fresh():
    assert collect(1) == [1]
    assert collect(2) == [2]
def test_given(): assert collect(1, [0]) == [0, 1]
""",
    ),
    Bug(
        "a missing middle name breaks the initials",
        """
def initials(first, middle, last):
    names = [first, middle, last]
    return "".join(name[0].upper() for name in names if name)


def shout(text):
    if text is None:
        return ""
    return text.upper() + "!"
""",
        '    if text is None:\n        return ""\n',
        "",
        """
from program import initials, shout
def test_three(): assert initials("ada", "m", "byron") == "AMB"
def test_two(): assert initials("ada", None, "byron") == "AB"
def test_shout(): assert shout("hey") == "HEY!"
def test_nothing(): assert shout(None) == ""
""",
    ),
    Bug(
        "powers of a number loop for ever",
        """
def power(base, exponent):
    result = 1
    while exponent > 0:
        if exponent % 2 == 1:
            result *= base
        base *= base
        exponent //= 2
    return result
""",
        "exponent //= 2",
        "exponent /= 2",
        """
from program import power
def test_zero(): assert power(3, 0) == 1
def test_five(): assert power(2, 5) == 32
def test_ten(): assert power(3, 4) == 81
""",
    ),
    Bug(
        "permutations share one list",
        """
def permutations(items):
    found = []

    def extend(chosen, left):
        if not left:
            found.append(chosen[:])
            return
        for item in left:
            chosen.append(item)
            extend(chosen, [other for other in left if other != item])
            chosen.pop()

    extend([], items)
    return found
""",
        "found.append(chosen[:])",
        "found.append(chosen)",
        """
from program import permutations
def test_two(): assert permutations([1, 2]) == [[1, 2], [2, 1]]
def test_none(): assert permutations([]) == [[]]
""",
    ),
    Bug(
        "a date range leaves out its last day",
        """
from datetime import date, timedelta


def days(start, end, step=1):
    found = []
    while start <= end:
        found.append(start)
        start += timedelta(days=step)
    return found


def weekdays(start, end):
    return [day for day in days(start, end) if day.weekday() < 5]
""",
        "day.weekday() < 5",
        "day.weekday() < 6",
        """
from datetime import date
from program import days, weekdays
def test_days(): assert len(days(date(2024, 1, 1), date(2024, 1, 3))) == 3
def test_week(): assert len(weekdays(date(2024, 1, 1), date(2024, 1, 7))) == 5
def test_saturday(): assert weekdays(date(2024, 1, 6), date(2024, 1, 6)) == []
""",
    ),
]


def write(bug: Bug, folder: Path) -> None:
    if bug.program.count(bug.right) != 1:
        raise ValueError(f"{bug.name}: {bug.right!r} is not in the program exactly once")
    (folder / "program.py").write_text(bug.program.lstrip("\n").replace(bug.right, bug.wrong))
    (folder / "test_program.py").write_text(bug.tests.lstrip("\n"))


def repair(folder: Path, toolkit: Toolkit, seconds: float) -> dict[str, object]:
    """Run the engine as a sandbox would, but unconfined; returns its end record."""
    command = [sys.executable, "-I", "-B", str(toolkit.folder / "repair"), "--directory", str(folder)]
    done = subprocess.run([*command, "--seconds", str(seconds)], capture_output=True, timeout=seconds * 3, check=False)
    lines = done.stdout.decode().splitlines()
    return json.loads(lines[-1]) if lines else {"error": done.stderr.decode()}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    fixed = tried = 0
    spent = 0.0
    chosen = [bug for bug in BUGS if given.only in bug.name]
    with tempfile.TemporaryDirectory() as parent:
        toolkit = Toolkit.build(Path(parent) / "toolkit")
        for number, bug in enumerate(chosen):
            folder = Path(parent) / str(number)
            folder.mkdir()
            write(bug, folder)
            started = time.monotonic()
            end = repair(folder, toolkit, given.seconds)
            took = time.monotonic() - started
            result = end.get("result")
            result = result if isinstance(result, dict) else {}
            original = (folder / "program.py").read_text() == bug.program.lstrip("\n")
            fixed += end.get("success") is True
            tried += result.get("candidatesTried", 0)
            spent += took
            if "summary" not in end:
                print(end)
            word = "original" if original else "other" if end.get("success") else "NOT FIXED"
            print(f"{took:6.1f} s  {result.get('candidatesTried', 0):6} tried  {word:9}  {bug.name}", flush=True)
            if word != "original" or given.verbose:
                patch = result.get("patch") or {}
                print(f"          {patch.get('template')}: {str(patch.get('after')).strip()!r}", os.linesep, end="")
    print(
        f"{fixed}/{len(chosen)} fixed, {spent / max(1, len(chosen)):.1f} s each,"
        f" {tried / max(spent, 0.1):.0f} candidates/s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
