"""Pieces of code that are one another's copies with other words."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

WORD = re.compile(r"[^\W\d]\w*")


def exchanged(model: str, text: str) -> dict[str, str]:
    """Which words of the model stand for which of the text, if they are the same otherwise; {} if they are not, or are
    the same altogether."""
    theirs, ours = WORD.findall(model), WORD.findall(text)
    if theirs == ours or WORD.split(model) != WORD.split(text):
        return {}
    words = dict(zip(theirs, ours))
    return words if [words[one] for one in theirs] == ours else {}


def with_words(words: Mapping[str, str], text: str) -> str:
    """The text with those words in the place of others."""
    return WORD.sub(lambda found: words.get(found.group(), found.group()), text)


def is_like_neighbour(lines: list[str], above: list[str], below: list[str]) -> bool:
    """Whether lines of code are those right above or below them with other words."""
    own, before, after = _full(lines), _full(above)[-len(_full(lines)) :], _full(below)[: len(_full(lines))]
    return any(exchanged(_dedented(one), _dedented(own)) for one in (before, after))


def _full(lines: list[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def _dedented(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(line.rstrip() for line in lines))
