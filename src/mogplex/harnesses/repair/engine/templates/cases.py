"""A case that an expression isn't made for: nothing there, where something is taken from it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import NUMBERS, Place, Proposal
from ..source import FUNCTIONS
from .template import Template

MAX_ASKED = 3
TAKEN = 3.0  # of something that is taken out of what a failing test has found empty
EMPTY = {"str": '""', "bytes": 'b""', "list": "[]", "tuple": "()", "dict": "{}", "set": "set()"}
MISSING = ("IndexError", "KeyError", "StopIteration", "TypeError", "AttributeError")


def empty_case(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`v[0]` to `v[0] if v else default`, `f"?{query}"` to `f"?{query}" if query else ""`."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or not _is_value(node, place):
        return
    text = place.text(node)
    if "\n" in text:
        return
    is_taken = isinstance(node, ast.Subscript) and bool(place.words.clues.raised & set(MISSING))
    for asked in _asked(node, place):
        for number, other in enumerate(_others(node, asked, place)):
            weight = (TAKEN if is_taken else 1.0) / (1 + 0.3 * number)
            yield place.replace(node, f"{text} if {asked} else {other}", weight)


def _is_value(node: ast.expr, place: Place) -> bool:
    """Whether an expression stands where another may: not as the object of an attribute, or what is called."""
    parent = place.source.parents.get(node)
    if isinstance(parent, (ast.Attribute, ast.Subscript, ast.Starred, ast.Expr, ast.Compare, *FUNCTIONS)):
        return False
    return not (isinstance(parent, ast.Call) and parent.func is node) and not place.is_judged(node)


def _asked(node: ast.expr, place: Place) -> list[str]:
    """The names and attributes that an expression reads, what it takes something from first; itself it is none."""
    taken_from = node.value if isinstance(node, ast.Subscript) else None
    first = [place.text(taken_from)] if isinstance(taken_from, (ast.Name, ast.Attribute)) else []
    called = {one.func for one in ast.walk(node) if isinstance(one, ast.Call)}
    inside = [one for one in ast.walk(node) if isinstance(one, (ast.Name, ast.Attribute)) and one not in called]
    parts = {one.value for one in inside if isinstance(one, ast.Attribute)}
    whole = [place.text(one) for one in inside if one not in parts and one is not node]
    named = [one for one in whole if one.split(".")[0] in place.names]
    return list(dict.fromkeys([*first, *named]))[:MAX_ASKED]


def _others(node: ast.expr, asked: str, place: Place) -> list[str]:
    """What it may be then: nothing of its kind, or what nothing else uses."""
    kinds = {"str"} if isinstance(node, ast.JoinedStr) else place.kind_of(node)
    fitting = [EMPTY[kind] for kind in sorted(kinds) if kind in EMPTY]
    if kinds & NUMBERS:
        fitting.append("0")
    return list(dict.fromkeys([*sorted(place.idle), *fitting, "None", asked, '""']))[:4]


def one_case(node: ast.Constant, place: Place) -> Iterator[Proposal]:
    """`sign = "-"` to `sign = "-" if negative else ""`: what holds only when something is so that nothing else asks."""
    parent = place.source.parents.get(node)
    is_whole = isinstance(parent, (ast.Assign, ast.Return, ast.keyword))
    if not is_whole and not (place.idle and isinstance(parent, (ast.Call, ast.Tuple, ast.List, ast.Dict))):
        return
    text, kind = place.text(node), type(node.value).__name__
    if kind not in (*EMPTY, "int", "float"):
        return
    names = [name for name in place.names if name in place.idle or (is_whole and place.kind(name) == {"bool"})]
    alike = (one for one in place.constants if type(one.value).__name__ == kind and "\n" not in place.text(one))
    others = dict.fromkeys([EMPTY.get(kind, "0"), *(place.text(one) for one in alike)])
    names = [name for name in names if place.is_live(name)]
    for name in sorted(names, key=lambda one: one not in place.idle)[:MAX_ASKED]:
        for number, other in enumerate([one for one in others if one != text][:4]):
            weight = (1.0 if name in place.idle else 0.5) / (1 + 0.3 * number)
            yield place.replace(node, f"{text} if {name} else {other}", weight)
            yield place.replace(node, f"{other} if {name} else {text}", weight * 0.9)


VALUES = (ast.Subscript, ast.JoinedStr, ast.Call, ast.BinOp, ast.Attribute)
TEMPLATES = [
    Template("empty case", 0.12, VALUES, empty_case),
    Template("value for one case", 0.25, (ast.Constant,), one_case),
]
