"""Pieces of code that are one another's copies with other words."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Mapping

TELLING = 5  # words
WORD = re.compile(r"[^\W\d]\w*")


def exchanged(model: str, text: str) -> dict[str, str]:
    """Which words of the model stand for which of the text, if they are the same otherwise; {} if they are not, or are
    the same altogether."""
    theirs, ours = WORD.findall(model), WORD.findall(text)
    if theirs == ours or WORD.split(model) != WORD.split(text):
        return {}
    words = dict(zip(theirs, ours))
    if any(one != words[one] and (keyword.iskeyword(one) or keyword.iskeyword(words[one])) for one in words):
        return {}
    return words if [words[one] for one in theirs] == ours else {}


def with_words(words: Mapping[str, str], text: str) -> str:
    """The text with those words in the place of others."""
    return WORD.sub(lambda found: words.get(found.group(), found.group()), text)


def is_like_neighbour(lines: list[str], above: list[str], below: list[str]) -> bool:
    """Whether lines of code are those right above or below them with other words; or, if they say enough, others among
    them."""
    own, before, after = _full(lines), _full(above), _full(below)
    near = [before[-len(own) :], after[: len(own)]]
    if sum(len(WORD.findall(one)) for one in own) >= TELLING:
        near += [part[at : at + len(own)] for part in (before, after) for at in range(len(part) - len(own) + 1)]
    return any(exchanged(_dedented(one), _dedented(own)) for one in near)


def _full(lines: list[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def _dedented(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(line.rstrip() for line in lines))
