"""Statements in the wrong place or of the wrong kind: moved, swapped, deleted, `if` and `while`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ..scope import Place, Proposal
from ..source import FUNCTIONS
from .block import line_span, shifted, unit
from .template import Template

MOVABLE = (
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Expr,
    ast.Return,
    ast.If,
    ast.For,
    ast.While,
    ast.Raise,
    ast.Break,
    ast.Continue,
)


def deleted(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """The statement taken away. Passes weak suites, so it comes last."""
    block, _ = place.source.block_of(node)
    span = line_span(place, node)
    if span is None or isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)):
        return
    if len(block) > 1:
        yield place.span_edit(span[0], span[1], "", removes=True)
    else:
        yield place.span_edit(*place.source.span(node), "pass", 0.5, removes=True)


def swapped(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """Swapped with the statement after it."""
    block, number = place.source.block_of(node)
    if number + 1 >= len(block):
        return
    span, other = line_span(place, node), line_span(place, block[number + 1])
    if span is not None and other is not None:
        text = place.source.text
        first, second = text[span[0] : span[1]], text[other[0] : other[1]]
        if not second.endswith(("\n", "\r")):
            first, second = first.rstrip("\r\n"), second + place.source.newline
        yield place.span_edit(span[0], other[1], second + text[span[1] : other[0]] + first)


def moved(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """The last statement of a block out of it, or the statement after a block into it."""
    block, number = place.source.block_of(node)
    span = line_span(place, node)
    if span is None:
        return
    indent, step = place.source.indent_of(node), unit(place)
    parent = place.source.parents.get(node)
    is_body = isinstance(parent, (ast.If, ast.For, ast.While, ast.With)) and len(block) > 1
    if is_body and number == len(block) - 1 and (parent.end_lineno == node.end_lineno):  # type: ignore[union-attr]
        outer = place.source.indent_of(parent)  # type: ignore[arg-type]
        text = shifted(place, node, indent, outer)
        if text is not None:
            yield place.span_edit(span[0], span[1], text)
            grand = place.source.parents.get(parent)  # type: ignore[arg-type]
            if isinstance(grand, (ast.If, ast.For, ast.While)) and grand.end_lineno == node.end_lineno:
                further = shifted(place, node, indent, place.source.indent_of(grand))
                if further is not None:
                    yield place.span_edit(span[0], span[1], further, 0.7)
    if number > 0 and isinstance(block[number - 1], (ast.If, ast.For, ast.While)):
        before: ast.stmt = block[number - 1]
        inner = indent + step
        text = shifted(place, node, indent, inner)
        if text is not None:
            yield place.span_edit(span[0], span[1], text)
            if isinstance(before, ast.If) and not before.orelse:
                yield place.span_edit(span[0], span[1], f"{indent}else:{place.source.newline}{text}")
        last = before
        while isinstance(last, (ast.If, ast.For, ast.While)):
            last = (last.orelse or last.body)[-1]
        deeper = shifted(place, node, indent, place.source.indent_of(last))
        if deeper is not None and place.source.indent_of(last) != inner:
            yield place.span_edit(span[0], span[1], deeper, 0.7)
    if is_body and number == 0:  # the first statement of a loop to before the loop
        outer = place.source.indent_of(parent)  # type: ignore[arg-type]
        text = shifted(place, node, indent, outer)
        start = line_span(place, parent)  # type: ignore[arg-type]
        if text is not None and start is not None:
            head = place.source.text[start[0] : span[0]]
            yield place.span_edit(start[0], span[1], text + head, 0.7)


def keyword(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`if` and `while`, `elif` and `if`, `break` and `continue`, `return` and `yield`."""
    start, end = place.source.span(node)
    text = place.source.text
    if isinstance(node, ast.If):
        if text.startswith("elif", start):
            yield place.span_edit(start, start + 4, "if")
        else:
            if not node.orelse:
                yield place.span_edit(start, start + 2, "while", 0.7)
            block, number = place.source.block_of(node)
            if number and isinstance(block[number - 1], ast.If):
                yield place.span_edit(start, start + 2, "elif")
    elif isinstance(node, ast.While):
        yield place.span_edit(start, start + 5, "if", 0.7)
    elif isinstance(node, ast.Break):
        yield place.span_edit(start, end, "continue")
        yield place.span_edit(start, end, "return", 0.4)
    elif isinstance(node, ast.Continue):
        yield place.span_edit(start, end, "break")
    elif isinstance(node, ast.Return) and node.value is not None:
        yield place.span_edit(start, start + 6, "yield", 0.3)
        yield place.span_edit(start, start + 6, "yield from", 0.2)
    elif isinstance(node, ast.Expr) and not isinstance(node.value, (ast.Yield, ast.YieldFrom, ast.Constant)):
        yield place.span_edit(start, start, "return ", 1.0)
        yield place.span_edit(start, start, "yield from ", 0.3)


def result_used(node: ast.Expr, place: Place) -> Iterator[Proposal]:
    """`x.strip()` to `x = x.strip()`."""
    if isinstance(node.value, ast.Call):
        start = place.source.span(node)[0]
        if isinstance(node.value.func, ast.Attribute) and isinstance(node.value.func.value, (ast.Name, ast.Attribute)):
            yield place.span_edit(start, start, f"{place.text(node.value.func.value)} = ")
        for target in _targets(node.value.args[:2], place):
            yield place.span_edit(start, start, f"{target} = ", 0.6)


def result_lost(node: ast.Expr, place: Place) -> Iterator[Proposal]:
    """`tuple(rows)` to `rows = tuple(rows)`: a call that does nothing but give a result, which nobody takes."""
    call = _lost_call(node)
    if call is None:
        return
    start = place.source.span(node)[0]
    taken = [call.func.value, *call.args] if isinstance(call.func, ast.Attribute) else call.args
    for number, one in enumerate(_targets([*taken, *(keyword.value for keyword in call.keywords)], place)):
        yield place.span_edit(start, start, f"{one} = ", 1.0 / (1 + 0.1 * number))
    yield place.span_edit(start, start, "return ", 0.7)


def _targets(taken: Sequence[ast.expr], place: Place) -> list[str]:
    """What may keep the result of a call that takes these: one of them, or a name in them."""
    whole = [place.text(one) for one in taken if isinstance(one, (ast.Attribute, ast.Name))]
    inside = [one.id for part in taken for one in ast.walk(part) if isinstance(one, ast.Name)]
    named = [one for one in dict.fromkeys([*whole, *inside]) if one not in ("self", "cls")]
    return [one for one in named if "." in one or one in place.names]


def _lost_call(node: ast.stmt) -> ast.Call | None:
    """The call that a statement is, if that has a result and no effect."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return None
    function = node.value.func
    if isinstance(function, ast.Name):
        is_pure = function.id in PURE or (function.id[0].isupper() and not function.id.isupper())  # it makes an object
    else:
        is_pure = getattr(function, "attr", "") in PURE_METHODS
    return node.value if is_pure else None


def is_lost(node: ast.stmt) -> bool:
    return _lost_call(node) is not None


PURE = {
    "abs", "all", "any", "bin", "bool", "bytearray", "bytes", "chr", "classmethod", "complex", "copy", "deepcopy",
    "dict", "divmod", "enumerate", "filter", "float", "frozenset", "hex", "int", "isinstance", "len", "list", "map",
    "max", "min", "ord", "partial", "property", "repr", "reversed", "round", "set", "sorted", "staticmethod", "str",
    "sum", "tuple", "zip",
}  # fmt: skip
PURE_METHODS = {
    "casefold", "capitalize", "copy", "decode", "deepcopy", "encode", "endswith", "expandtabs", "format", "group",
    "groups", "isdigit", "items", "join", "keys", "ljust", "lower", "lstrip", "partition", "removeprefix",
    "removesuffix", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "sub",
    "swapcase", "title", "translate", "upper", "values", "zfill", "_replace",
}  # fmt: skip
TEMPLATES = [
    Template("result lost", 0.9, (ast.Expr,), result_lost, is_evident=is_lost),
    Template("statement kind", 0.3, (*MOVABLE, ast.Break, ast.Continue), keyword),
    Template("result used", 0.3, (ast.Expr,), result_used),
    Template("statement moved", 0.25, MOVABLE, moved),
    Template("statements swapped", 0.22, MOVABLE, swapped),
    Template("statement deleted", 0.06, MOVABLE, deleted),
]
