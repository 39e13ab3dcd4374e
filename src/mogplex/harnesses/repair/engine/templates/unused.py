"""Functions that a file imports, or has for itself, and never calls: one of them was probably meant to be."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import Place, Proposal
from .block import insert_after, insert_before
from .template import Template

MAX_UNUSED = 3  # a file with more of them is there for others to import from
MAX_NAMES = 4


def unused_step(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`url = complete(url, scheme)` before or after a statement that is about `url`."""
    if place.function is None or place.statement is place.function:
        return
    for name in _unused(place):
        for line, weight in _lines(name, place):
            before = insert_before(place, [line], weight)
            after = None if isinstance(node, (ast.Return, ast.Raise)) else insert_after(place, [line], weight)
            for proposal in (before, after):
                if proposal is not None:
                    yield proposal


def unused_wrapper(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`text` to `quote(text)`."""
    parent = place.source.parents.get(node)
    is_called = isinstance(parent, ast.Call) and parent.func is node
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or is_called or isinstance(parent, ast.Attribute):
        return
    for name in _unused(place):
        yield place.replace(node, f"{name}({place.text(node)})")
        for other in sorted(place.idle)[:MAX_NAMES]:
            yield place.replace(node, f"{name}({place.text(node)}, {other})", 0.8)


def _unused(place: Place) -> list[str]:
    return place.words.unused if len(place.words.unused) <= MAX_UNUSED else []


def _lines(name: str, place: Place) -> Iterator[tuple[str, float]]:
    near = [one.id for one in ast.walk(place.statement) if isinstance(one, ast.Name) and one.id in place.names]
    names = list(dict.fromkeys(one for one in near if place.is_live(one) and one not in ("self", "cls")))[:MAX_NAMES]
    function = place.words.functions.get(name)
    if function is not None:
        given = [one.arg for one in function.args.args]
        if given and all(one in place.names for one in given):
            yield f"{given[0]} = {name}({', '.join(given)})", 1.0
            yield f"{name}({', '.join(given)})", 0.8
    for one in names:
        for more in [(), *((other,) for other in sorted(place.idle - {one})[:MAX_NAMES])]:
            yield f"{one} = {name}({', '.join([one, *more])})", 1.0 if more or not place.idle else 0.8
        yield f"{name}({one})", 0.4


SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.If, ast.For, ast.While, ast.With)
VALUES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.JoinedStr)
TEMPLATES = [
    Template("step with an unused function", 0.6, SIMPLE, unused_step),
    Template("unused function around a value", 0.6, VALUES, unused_wrapper),
]
