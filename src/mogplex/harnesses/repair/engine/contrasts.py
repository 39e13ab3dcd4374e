"""What the two sides of a failed comparison differ in, when they are alike but for a few characters."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

COMPARED = re.compile(r"AssertionError: (?:assert )?(.+?) (?:!=|==) (.+)$", re.MULTILINE)
LONGEST_SIDE, LONGEST_PART = 300, 12
MAX_PARTS, MAX_CONTRASTS = 4, 6  # in one comparison; in all


def contrasts_in(messages: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(part of one side, part of the other in its place), one of them may be empty; both ways round, for nobody knows
    which side is the right one. Parts with quotes are left out: they are no pieces of one text."""
    found: dict[tuple[str, str], None] = {}
    for message in messages:
        for left, right in COMPARED.findall(message):
            if max(len(left), len(right)) > LONGEST_SIDE or "..." in left + right:
                continue
            for one, other in _parts(left, right):
                found[one, other] = None
                found[other, one] = None
    return tuple(found)[: 2 * MAX_CONTRASTS]


def _parts(left: str, right: str) -> list[tuple[str, str]]:
    """What stands in the place of what; none when the sides have too little in common."""
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    parts = [(left[a:b], right[c:d]) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"]
    if len(parts) > MAX_PARTS or any(len(text) > LONGEST_PART for pair in parts for text in pair):
        return []
    return [pair for pair in parts if not set("'\"\\\n") & set(pair[0] + pair[1])]
