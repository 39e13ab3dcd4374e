"""The chosen patch made as small as it can be: parts that aren't needed are undone, and the old layout is kept."""

from __future__ import annotations

import ast
import difflib
import io
import itertools
import tokenize
from collections.abc import Callable, Sequence
from dataclasses import replace

from .edit import Candidate, Edit, apply_edits

MAX_PARTS = 6
LAYOUT = (tokenize.NL, tokenize.COMMENT)
Passes = Callable[[list[Candidate]], Candidate | None]


def parts_of(before: str, after: str) -> list[Edit]:
    """What differs, as one edit for each stretch of changed lines; line by line where their number is the same."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0, *itertools.accumulate(len(line) for line in old)]
    found: list[Edit] = []
    for tag, low, high, new_low, new_high in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "replace" and high - low == new_high - new_low:
            found += [Edit(starts[low + n], starts[low + n + 1], new[new_low + n]) for n in range(high - low)]
        elif tag != "equal":
            found.append(Edit(starts[low], starts[high], "".join(new[new_low:new_high])))
    return [edit for edit in found if before[edit.start : edit.end] != edit.text]


def simplify(candidate: Candidate, before: str, passes: Passes) -> Candidate:
    """The smallest candidate made of parts of this one that still passes, with as few parts as can be.

    `passes` gives the first of some candidates that does everything the whole one did, or None.
    """
    parts = parts_of(before, apply_edits(before, candidate.edits))
    while 1 < len(parts) <= MAX_PARTS:
        smaller = [tuple(parts[:number] + parts[number + 1 :]) for number in range(len(parts))]
        fine = passes([replace(candidate, edits=edits) for edits in smaller])
        if fine is None:
            break
        candidate, parts = fine, list(fine.edits)
    return candidate


def keep_layout(before: str, after: str) -> str:
    """`after` with the line breaks and comments of `before` inside brackets, where an edit has put all on one line.

    The same syntax tree as `after`; `after` itself where that can't be done.
    """
    try:
        old, new = _tokens(before), _tokens(after)
        gaps, new_gaps = _gaps(before, old), _gaps(after, new)
        wanted = ast.dump(ast.parse(after))
    except (SyntaxError, tokenize.TokenError):
        return after
    matcher = difflib.SequenceMatcher(None, [one.string for one in old], [one.string for one in new], autojunk=False)
    result = list(new_gaps)
    for place, other, size in matcher.get_matching_blocks():
        for step in range(size):
            is_broken_end = new[other + step].string in ")]}" and "\n" in gaps[place + step]
            if step or is_broken_end or (place == 0 and other == 0):  # the words before stood side by side as well
                result[other + step] = gaps[place + step]
    if old and new and old[-1].string == new[-1].string:
        result[-1] = gaps[-1]
    text = "".join(gap + one.string for gap, one in zip(result, new)) + result[len(new)]
    try:
        return text if ast.dump(ast.parse(text)) == wanted else after
    except SyntaxError:
        return after


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    """Words only: line breaks, comments and indentation are what lies between them."""
    every = tokenize.generate_tokens(io.StringIO(text, newline="").readline)
    return [one for one in every if one.string.strip() and one.type not in LAYOUT]


def _gaps(text: str, words: Sequence[tokenize.TokenInfo]) -> list[str]:
    """The text before each word, and after the last one."""
    lines = text.splitlines(keepends=True)
    starts = [0, *itertools.accumulate(len(line) for line in lines)]
    gaps: list[str] = []
    position = 0
    for one in words:
        start = starts[one.start[0] - 1] + one.start[1]
        gaps.append(text[position:start])
        position = starts[one.end[0] - 1] + one.end[1]
    gaps.append(text[position:])
    return gaps
