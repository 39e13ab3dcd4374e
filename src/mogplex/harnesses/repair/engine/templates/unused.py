"""Names that a file imports, or has for itself, and never uses: one of them was probably meant somewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..idle import idle_methods
from ..scope import Place, Proposal
from ..source import AnyFunction, argument_names
from ..vocabulary import is_exception
from .block import insert_after, insert_before
from .template import Template

MAX_UNUSED = 3  # a file with more of them is there for others to import from
MAX_NAMES = 4


def unused_step(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`url = complete(url, scheme)` before or after a statement that is about `url`."""
    if place.function is None or place.statement is place.function:
        return
    for name, function in _unused(place):
        for line, weight in _lines(name, function, place):
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
    for name, _ in _unused(place):
        yield place.replace(node, f"{name}({place.text(node)})")
        for other in sorted(place.idle)[:MAX_NAMES]:
            yield place.replace(node, f"{name}({place.text(node)}, {other})", 0.8)


def unused_name(node: ast.Name, place: Place) -> Iterator[Proposal]:
    """A name of the module that stands nowhere else, in place of another one."""
    if isinstance(node.ctx, ast.Load) and not is_exception(node.id):
        for name in sorted(place.words.idle):
            is_like = name[:1].isupper() == node.id[:1].isupper()
            yield place.replace(node, name, 1.0 if is_like else 0.3)


def _unused(place: Place) -> list[tuple[str, AnyFunction | None]]:
    """How they are called here, and what they are, if that is known: the module's, and the private methods of the
    class that nothing mentions."""
    words = place.words
    own: list[tuple[str, AnyFunction | None]] = []
    owner = place.source.class_of(place.statement)
    if owner is not None and "self" in place.names:
        methods = [one for one in idle_methods(owner, place.source) if one is not place.function]
        own = [(f"self.{one.name}", one) for one in methods if argument_names(one) & {"self"}]
    of_module = [(name, words.functions.get(name)) for name in words.unused]
    return [*own[:MAX_UNUSED], *(of_module if len(of_module) <= MAX_UNUSED else [])]


def _lines(name: str, function: AnyFunction | None, place: Place) -> Iterator[tuple[str, float]]:
    near = [one.id for one in ast.walk(place.statement) if isinstance(one, ast.Name) and one.id in place.names]
    names = list(dict.fromkeys(one for one in near if place.is_live(one) and one not in ("self", "cls")))[:MAX_NAMES]
    if function is not None:
        given = [one.arg for one in function.args.args if one.arg != "self"]
        if all(one in place.names for one in given):
            if given:
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
    Template("unused name", 0.5, (ast.Name,), unused_name),
    Template("unused function around a value", 0.6, VALUES, unused_wrapper),
]
