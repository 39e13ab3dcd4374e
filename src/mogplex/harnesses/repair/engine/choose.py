"""Which of several plausible patches to propose: the one a reviewer would find the least surprising."""

from __future__ import annotations

import ast
from pathlib import Path

from .clues import functions_of_tests
from .edit import Edit, apply_edits, changed_tokens
from .source import Source
from .trial import Plausible

TOKEN_PRICE = 0.7
RARITY_PRICE = 5.0
REMOVAL_PENALTY = 6.0
TEST_CONSTANT_PENALTY = 4.0
KIND_PENALTY = 1.5
TRIVIAL = {0, 1, -1, 2, "", None}


def rank(found: list[Plausible], sources: dict[str, Source], expected: set[str]) -> list[Plausible]:
    """Best first. `sources` by relative path; `expected` are the texts of constants that the failing tests mention."""
    return sorted(found, key=lambda one: (cost(one, sources[one.candidate.path], expected), -one.candidate.score))


def cost(one: Plausible, source: Source, expected: set[str]) -> float:
    """Few changed words and a common kind of bug are cheap; taking behaviour away or copying a test's value is dear."""
    candidate = one.candidate
    before, after = hunk(source, candidate.edits)
    tokens = changed_tokens(before, after)
    price = TOKEN_PRICE * tokens + RARITY_PRICE * (1.0 - candidate.prior) - 3.0 * min(candidate.score, 1.0)
    if candidate.removes:
        price += REMOVAL_PENALTY
    if copies_expected_value(before, after, expected):
        price += TEST_CONSTANT_PENALTY
    if mixes_truth_and_number(before, after):
        price += KIND_PENALTY
    return price


def mixes_truth_and_number(before: str, after: str) -> bool:
    """Whether the patch puts `True` in the place of a number, say: what passes as well as 1, and was never meant."""
    old, new = _literals(before), _literals(after)
    gone, come = [type(value) for _, value in old - new], [type(value) for _, value in new - old]
    return len(gone) == len(come) == 1 and {gone[0], come[0]} in ({bool, int}, {bool, float})


def _literals(text: str) -> set[tuple[type, object]]:
    try:
        tree = ast.parse(_dedented(text))
    except SyntaxError:
        return set()
    return {(type(one.value), one.value) for one in ast.walk(tree) if isinstance(one, ast.Constant)}


def copies_expected_value(before: str, after: str, expected: set[str]) -> bool:
    """Whether the patch brings in a constant that the failing tests compare with."""
    return any(text in expected for text in constants_in(after) - constants_in(before))


def constants_in(text: str) -> set[str]:
    """The telling constants of a piece of source, as text; trivial ones (0, 1, "", None, …) say nothing."""
    try:
        tree = ast.parse(_dedented(text))
    except SyntaxError:
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)) and node.value not in TRIVIAL:
            found.add(repr(node.value))
    return found


def _dedented(text: str) -> str:
    lines = text.strip("\r\n").splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    body = "\n".join(line[margin:] for line in lines)
    return body + "\n    pass\n" if body.rstrip().endswith(":") else body


def expected_constants(root: Path, tests: list[str]) -> set[str]:
    """Constants in the bodies of the given tests (node ids), as text."""
    found: set[str] = set()
    for function in functions_of_tests(root, tests):
        found |= constants_in(ast.unparse(function))
    return found


def hunk(source: Source, edits: tuple[Edit, ...]) -> tuple[str, str]:
    """The whole lines that edits touch, before and after."""
    first = source.line_start(source.line_of(min(edit.start for edit in edits)))
    last_offset = max(edit.end for edit in edits)
    last_line = source.line_of(last_offset)
    at_line_start = last_offset == source.line_start(last_line) and last_offset > first
    last = last_offset if at_line_start else source.line_start(last_line + 1)
    shifted = tuple(Edit(edit.start - first, edit.end - first, edit.text) for edit in edits)
    before = source.text[first:last]
    return before, apply_edits(before, shifted)
