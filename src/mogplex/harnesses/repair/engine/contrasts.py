"""What the two sides of a failed comparison differ in, when they are alike but for a few characters."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# As unittest and pytest say it; pytest leaves the exception's name out as a rule.
COMPARED = re.compile(r"^(?:[^\s:]+:\d+: )?(?:AssertionError: )?(?:assert )?(.+?) (?:!=|==) (.+)$", re.MULTILINE)
QUOTES = frozenset("'\"")
LONGEST_SIDE, LONGEST_PART = 300, 12
MAX_PARTS, MAX_CONTRASTS = 4, 6  # in one comparison; in all
MAX_COMPARED = 20


def contrasts_in(messages: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(part of one side, part of the other in its place), one of them may be empty; both ways round, for nobody knows
    which side is the right one. Of texts, and of what is made of them; parts with quotes are no pieces of one text."""
    found: dict[tuple[str, str], None] = {}
    told = [pair for message in dict.fromkeys(messages) for pair in COMPARED.findall(message)]
    for left, right in [pair for pair in told if _is_short_text(*pair)][:MAX_COMPARED]:
        for one, other in _parts(left, right):
            found.update({(one, other): None, (other, one): None})
        if len(found) >= 2 * MAX_CONTRASTS:
            break
    return tuple(found)[: 2 * MAX_CONTRASTS]


def _is_short_text(*sides: str) -> bool:
    return all(len(side) <= LONGEST_SIDE and "..." not in side and bool(QUOTES & set(side)) for side in sides)


def _parts(left: str, right: str) -> list[tuple[str, str]]:
    """What stands in the place of what; none when the sides have too little in common."""
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    parts = [(left[a:b], right[c:d]) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"]
    if len(parts) > MAX_PARTS or any(len(text) > LONGEST_PART for pair in parts for text in pair):
        return []
    return [pair for pair in parts if not {*QUOTES, "\\"} & set(pair[0] + pair[1])]
