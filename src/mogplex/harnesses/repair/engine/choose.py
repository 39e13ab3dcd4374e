"""Which of several plausible patches to propose: the one a reviewer would find the least surprising."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Container
from pathlib import Path

from .clues import functions_of_tests
from .edit import Candidate, Edit, apply_edits, changed_tokens, tokens_of
from .likeness import is_like_neighbour
from .oddities import (
    bare_builtins,
    computed_constants,
    far_indices,
    fills_default,
    fixed_conditions,
    idling,
    is_given_once,
    is_hard_coded,
    is_idle,
    keeps_result,
    mixes_truth_and_number,
    namesakes,
    only_drops,
    parallels,
    repeats_neighbour,
    said_twice,
    tree_of,
)
from .source import FUNCTIONS, Source
from .trial import Plausible

MAX_PARTS = 2  # of each kind
TOKEN_PRICE = 0.7
MARK_SIZE = 0.3  # of a word
RARITY_PRICE = 5.0
REMOVAL_PENALTY = 6.0
TEST_CONSTANT_PENALTY = 4.0
KIND_PENALTY = 1.5
MOST_SCORE = 1.3  # that counts: of a common edit where failing tests broke off
NEW_WORD_PRICE = 0.5  # for a word that the function doesn't have yet
DROPPING_PENALTY = 2.0
HARD_CODING_PENALTY = 3.5
CONSTANT_PENALTY = 6.0
REPEATING_PENALTY = 3.0
DEFAULT_PENALTY = 3.0
UNPAIRING_PENALTY = 2.5
MEANING_BONUS = 5.0
NAMESAKE_BONUS = 2.5
UNREAD_BONUS = 4.0  # for each thing that is read now and that nothing has read
IDLING_PENALTY = 2.5  # for each that is not read any more
BARE_PENALTY = 3.0
LONE_PENALTY = 2.0
TWICE_PENALTY = 0.5
FAR_PENALTY = 1.5
KEEPING_BONUS = 4.0  # what a function gives is used, which the statement alone dropped
CLASH_BONUS = 1.5  # where a wrong type came from
HIDING_PENALTY = 3.0
LIKENESS_BONUS, NEAR_LINES = 5.0, 8
REORDERING_TOKENS = 2  # what a change of order counts as: no word is new
TRIVIAL = {0, 1, -1, 2, "", None}


def rank(
    found: list[Plausible],
    sources: dict[str, Source],
    expected: set[str],
    clashes: Container[tuple[str, int]] = (),
    hiding: Container[str] = (),
) -> list[Plausible]:
    """Best first, each text once. `sources` by relative path; `expected` are the texts of constants that the failing
    tests mention, `clashes` the (path, line) of wrong types that tests died of, `hiding` the texts of patches that keep
    them from getting there."""

    def price(one: Plausible) -> tuple[float, float]:
        bonus = CLASH_BONUS if (one.candidate.path, one.candidate.line) in clashes else 0.0
        bonus -= HIDING_PENALTY if one.compiled.text in hiding else 0.0
        return cost(one, sources[one.candidate.path], expected) - bonus, -one.candidate.score

    distinct = {(one.candidate.path, one.compiled.text): one for one in found}  # one may be tried again with an import
    return sorted(distinct.values(), key=price)


def rank_parts(
    found: list[Plausible], sources: dict[str, Source], expected: set[str], clashes: Container[tuple[str, int]]
) -> list[Plausible]:
    """Of patches that mend a part, the best few: single edits that mend most, then pairs that do. What a pair mends
    besides may be chance, so the check decides which of them leaves the least."""
    ranked: list[Plausible] = []
    for is_pair in (False, True):
        alike = [one for one in found if one.is_pair == is_pair]
        most = max((len(one.mends) for one in alike), default=0)
        ranked += rank([one for one in alike if len(one.mends) == most], sources, expected, clashes)[:MAX_PARTS]
    return ranked


def cost(one: Plausible, source: Source, expected: set[str]) -> float:
    """Few changed words and a common kind of bug are cheap; taking behaviour away or copying a test's value is dear."""
    candidate = one.candidate
    before, after = hunk(source, candidate.edits)
    tokens = size(before, after)
    price = NEW_WORD_PRICE * len(unknown_words(source, candidate, after))
    price += TOKEN_PRICE * tokens + RARITY_PRICE * (1.0 - candidate.prior) - 3.0 * min(candidate.score, MOST_SCORE)
    if candidate.removes:
        price += REMOVAL_PENALTY
    elif only_drops(before, after):
        price += DROPPING_PENALTY
    if is_hard_coded(before, after):
        price += HARD_CODING_PENALTY
    if len(fixed_conditions(after)) > len(fixed_conditions(before)):
        price += CONSTANT_PENALTY
    if fills_default(before, after):
        price += DEFAULT_PENALTY
    if becomes_like_neighbour(source, candidate.edits, before, after):
        price -= LIKENESS_BONUS if after.count("\n") > 1 else LIKENESS_BONUS / 2  # one line is like many others
    if repeats_neighbour(source, candidate.edits):
        price += REPEATING_PENALTY
    if (is_idle(before) and not is_idle(after)) or computed_constants(before) > computed_constants(after):
        price -= MEANING_BONUS
    read, left = idling(source, candidate)
    price += IDLING_PENALTY * left - UNREAD_BONUS * read
    if is_given_once(source, candidate):
        price += LONE_PENALTY
    if said_twice(after) > said_twice(before):
        price += TWICE_PENALTY
    if far_indices(after) > far_indices(before):
        price += FAR_PENALTY
    if keeps_result(source, before, after):
        price -= KEEPING_BONUS
    if namesakes(after) > namesakes(before):
        price -= NAMESAKE_BONUS
    if parallels(after) < parallels(before):
        price += UNPAIRING_PENALTY
    if copies_expected_value(before, after, expected):
        price += TEST_CONSTANT_PENALTY
    if bare_builtins(after) > bare_builtins(before):
        price += BARE_PENALTY
    if mixes_truth_and_number(before, after):
        price += KIND_PENALTY
    return price


def becomes_like_neighbour(source: Source, edits: tuple[Edit, ...], before: str, after: str) -> bool:
    """Whether a patch makes of its lines what stands next to them, with other words."""
    lines = source.text.split("\n")
    first = source.line_of(min(edit.start for edit in edits)) - 1
    last = first + len(before.splitlines())
    above, below = lines[max(0, first - NEAR_LINES) : first], lines[last : last + NEAR_LINES]
    old, new = (is_like_neighbour(text.splitlines(), above, below) for text in (before, after))
    return new and (not old or len(after.splitlines()) > len(before.splitlines()))  # a part of it was like it before


def size(before: str, after: str) -> float:
    """In words; brackets and commas count for little, and a change of order for a few."""
    old, new = tokens_of(before), tokens_of(after)
    marks = sum(((Counter(old) - Counter(new)) + (Counter(new) - Counter(old)))[mark] for mark in "()[]{},:.")
    words = max(1.0, changed_tokens(before, after) - (1 - MARK_SIZE) * marks)
    return min(words, REORDERING_TOKENS) if Counter(old) == Counter(new) else words


def unknown_words(source: Source, candidate: Candidate, after: str) -> set[str]:
    """Names and literals that the patch brings in and that stand nowhere in the function it changes."""
    around = [
        one for one in source.statements
        if isinstance(one, FUNCTIONS) and one.lineno <= candidate.line <= (one.end_lineno or one.lineno)
    ]  # fmt: skip
    known = set(tokens_of(source.segment(around[-1]) if around else source.text))
    return {word for word in set(tokens_of(after)) - known if word[0].isalnum() or word[0] in "_\"'"}


def copies_expected_value(before: str, after: str, expected: set[str]) -> bool:
    """Whether the patch brings in a constant that the failing tests compare with."""
    return any(text in expected for text in constants_in(after) - constants_in(before))


def constants_in(text: str) -> set[str]:
    """The telling constants of a piece of source, as text; trivial ones (0, 1, "", None, …) say nothing."""
    found = set()
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)) and node.value not in TRIVIAL:
            found.add(repr(node.value))
    return found


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
