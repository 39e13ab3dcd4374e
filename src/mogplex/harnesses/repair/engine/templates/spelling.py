"""Slips of the keyboard: a name or a text that is spelled nearly as another one of the file, or means nothing here."""

from __future__ import annotations

import ast
import re
import string
from collections import Counter
from collections.abc import Iterator

from ..edit import Edit
from ..scope import Place, Proposal
from ..source import argument_names
from .template import Template

SHORTEST = 4  # letters of a word that can be misspelt, or of the one that was meant
MAX_OTHERS = 6
ASKED = {
    "startswith", "endswith", "split", "rsplit", "partition", "rpartition", "find", "rfind", "index", "count",
    "replace",
}  # fmt: skip
MARKS = set(string.punctuation) - {"'", "_"}
LONGEST_MARK = 3
LONGEST_COMPARED = 80
TOLD_WEIGHT = 0.6  # of a word that is none of the file's but stands in a failing test


def _near(word: str, place: Place) -> list[str]:
    """Words of the file that are one or two letters away, the commonest first; none if this one is common itself."""
    if place.words.spelled[word] > 1:
        return []
    long = [one for one in place.words.spelled if max(len(one), len(word)) >= SHORTEST]
    found = [other for other in long if other != word and is_near(word, other)]
    return sorted(found, key=lambda other: -place.words.spelled[other])[:MAX_OTHERS]


def is_near(one: str, other: str) -> bool:
    """At most two letters apart, and long enough for that to mean something."""
    if abs(len(one) - len(other)) > 2 or min(len(one), len(other)) < 3 or len(set(one) ^ set(other)) > 4:
        return False
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1] <= (1 if min(len(one), len(other)) < 6 else 2)


def misspelt_text(node: ast.Constant, place: Place) -> Iterator[Proposal]:
    """`getattr(x, "nmae")` to `getattr(x, "name")`."""
    if isinstance(node.value, str) and not isinstance(place.source.parents.get(node), (ast.Expr, ast.JoinedStr)):
        text = place.text(node)
        for other in _near(node.value, place):
            if node.value in text:
                yield place.replace(node, text.replace(node.value, other))
        is_rare = len(node.value) >= SHORTEST and place.words.spelled[node.value] <= 1 and node.value in text
        for other in place.words.clues.words if is_rare else ():
            if other != node.value and is_near(node.value, other):
                yield place.replace(node, text.replace(node.value, other), TOLD_WEIGHT)


def text_as_compared(node: ast.Constant | ast.JoinedStr, place: Place) -> Iterator[Proposal]:
    """`"%s%s"` to `"%s:%s"` when a failing test compares `en1` with `en:1`."""
    text = place.text(node)
    if not text.endswith(("'", '"')) or isinstance(place.source.parents.get(node), (ast.Expr, ast.JoinedStr)):
        return
    start = min(text.find(mark) for mark in "'\"" if mark in text) + 1
    for old, new in place.words.clues.contrasts if len(text) <= LONGEST_COMPARED else ():
        places = [one.start() for one in re.finditer(re.escape(old), text)] if old else range(start, len(text))
        for at in places:
            if start <= at < len(text):
                yield place.replace(node, text[:at] + new + text[at + len(old) :], 1.0 / (1 + 0.02 * len(places)))


def empty_text(node: ast.Constant, place: Place) -> Iterator[Proposal]:
    """`text.startswith("")` to `text.startswith("!")`, `mode in ("r", "")` to `mode in ("r", "a")`: an empty text says
    nothing there, so one was meant that a failing test has, or a mark that the file is about."""
    parent = place.source.parents.get(node)
    asked = isinstance(parent, ast.Call) and getattr(parent.func, "attr", "") in ASKED and node in parent.args[:1]
    asked = asked or (isinstance(parent, ast.Compare) and isinstance(parent.ops[0], (ast.In, ast.NotIn)))
    among = isinstance(parent, (ast.Tuple, ast.List, ast.Set)) and any(
        isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value for one in parent.elts
    )
    if node.value not in ("", b"") or not (asked or among):
        return
    head = "b" if isinstance(node.value, bytes) else ""
    told = [word for word in place.words.clues.words if 0 < len(word) <= LONGEST_MARK]
    marks = [mark for mark, _ in Counter(one for one in place.source.text if one in MARKS).most_common()]
    for number, text in enumerate(dict.fromkeys([*told, *marks])):
        yield place.replace(node, head + repr(text), 1.0 / (1 + 0.05 * number))


def misspelt_attribute(node: ast.Attribute, place: Place) -> Iterator[Proposal]:
    """`self.nmae` to `self.name`."""
    _, end = place.source.span(node)
    for other in _near(node.attr, place):
        if other.isidentifier():
            yield place.span_edit(end - len(node.attr), end, other)


def misspelt_keyword(node: ast.keyword, place: Place) -> Iterator[Proposal]:
    """`f(nmae=1)` to `f(name=1)`."""
    start = place.source.span(node)[0]
    for other in _near(node.arg or "", place):
        if other.isidentifier():
            yield place.span_edit(start, start + len(node.arg or ""), other)


def undefined_name(node: ast.Name, place: Place) -> Iterator[Proposal]:
    """A name that exists nowhere, or had no value yet: one that is spelled nearly so, else any in scope; here, or
    wherever it stands."""
    is_known = node.id in place.words.bound or node.id in place.names
    if not isinstance(node.ctx, ast.Load) or (is_known and not _had_no_value(node, place)):
        return
    if any(node.id in _given(above) for above in place.source.ancestors(node)):
        return
    for other in sorted({*place.names, *place.words.bound}):
        near = is_near(node.id, other) and (not is_known or other not in place.names or place.is_live(other))
        if other != node.id and (near or (other in place.names and place.is_live(other))):
            yield place.replace(node, other, 1.0 if near else 0.4)
            yield from _everywhere(node.id, other, place, 0.9 if near else 0.35)


def _had_no_value(node: ast.Name, place: Place) -> bool:
    """Whether failing tests died of a name of that spelling, and it may have been this one: no parameter, and not seen
    with a value here."""
    given = argument_names(place.function) if place.function is not None else set()
    return node.id in place.words.clues.nameless and node.id not in place.kinds and node.id not in given


def _given(node: ast.AST) -> set[str]:
    """Names that an expression or block around a name gives a meaning."""
    if isinstance(node, ast.Lambda):
        return {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
    if isinstance(node, ast.ExceptHandler):
        return {node.name or ""}
    if type(node).__name__ != "match_case":  # unknown to Python 3.9
        return set()
    captures = ("MatchAs", "MatchStar")
    return {getattr(one, "name", None) or "" for one in ast.walk(node) if type(one).__name__ in captures}


def _everywhere(name: str, other: str, place: Place, weight: float) -> Iterator[Proposal]:
    """A name exchanged wherever the function reads it, and wherever the statement does, if that is twice or more."""
    every = place.reads.get(name, [])
    start, end = place.source.span(place.statement)
    inside = [one for one in every if start <= place.source.span(one)[0] < end]
    for reads in [every, inside] if len(inside) < len(every) else [every]:
        if len(reads) > 1:
            yield Proposal(tuple(Edit(*place.source.span(one), other) for one in reads), weight)


def name_everywhere(node: ast.Name, place: Place) -> Iterator[Proposal]:
    """The wrong variable, taken for the same other one throughout the function or a statement (a loop, say)."""
    if isinstance(node.ctx, ast.Load) and node.id in place.names:
        for other in place.names:
            fits = place.is_compatible(node.id, other)
            if other != node.id and fits > 0.3:
                yield from _everywhere(node.id, other, place, fits)


TEMPLATES = [
    Template("misspelt text", 0.7, (ast.Constant,), misspelt_text),
    Template("text as compared", 0.6, (ast.Constant, ast.JoinedStr), text_as_compared),
    Template("empty text", 0.6, (ast.Constant,), empty_text),
    Template("misspelt attribute", 0.7, (ast.Attribute,), misspelt_attribute),
    Template("misspelt keyword", 0.7, (ast.keyword,), misspelt_keyword),
    Template("undefined name", 0.9, (ast.Name,), undefined_name),
    Template("other variable, everywhere", 0.12, (ast.Name,), name_everywhere),
]
