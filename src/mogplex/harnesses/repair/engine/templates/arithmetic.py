"""Wrong arithmetic: operator, operands, grouping, sign, off by one."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from ..edit import Edit, operator_span
from ..scope import NUMBERS, Place, Proposal
from .template import Template

MAX_OPERANDS = 10  # of a term in which any part may be grouped
SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.MatMult: "@",
}
NEAR = {
    "+": ("-",),
    "-": ("+",),
    "*": ("/", "//", "**"),
    "/": ("//", "*"),
    "//": ("/", "%", "*"),
    "%": ("//",),
    "**": ("*",),
    "&": ("|", "^"),
    "|": ("&", "^"),
    "^": ("&", "|"),
    "<<": (">>",),
    ">>": ("<<",),
    "@": ("*",),
}
FAR = {
    "+": ("*", "|", "%"),
    "-": ("*", "/", "%", "&"),
    "*": ("+", "-"),
    "/": ("-", "%"),
    "//": ("-", ">>"),
    "%": ("/", "-", "*"),
    "**": ("+", "//"),
    "&": ("-", "%"),
    "|": ("+",),
    "^": ("+", "-"),
}
REPEATED, SURE = {"list", "tuple", "str", "bytes"}, 4.0  # what can be multiplied; the weight of that
ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift, ast.Add)


def _operator(node: ast.BinOp, place: Place) -> tuple[int, int, str]:
    symbol = SYMBOLS[type(node.op)]
    left_end, right_start = place.source.span(node.left)[1], place.source.span(node.right)[0]
    start, end = operator_span(place.source, left_end, right_start, [symbol])
    return start, end, symbol


def near_operator(node: ast.BinOp, place: Place) -> Iterator[Proposal]:
    """`+` and `-`, `/` and `//`, `&` and `|`, …"""
    if isinstance(node.op, ast.Mod) and place.kind_of(node.left) == {"str"}:
        return
    start, end, symbol = _operator(node, place)
    for number, other in enumerate(NEAR.get(symbol, ())):
        yield place.span_edit(start, end, other, 1.0 - 0.2 * number)


def far_operator(node: ast.BinOp, place: Place) -> Iterator[Proposal]:
    if isinstance(node.op, ast.Mod) and place.kind_of(node.left) == {"str"}:
        return
    start, end, symbol = _operator(node, place)
    sides = [place.kind_of(node.left), place.kind_of(node.right)]
    is_repeated = any(bool(one) and one <= REPEATED and other == {"int"} for one, other in (sides, sides[::-1]))
    for other in FAR.get(symbol, ()):  # `[0] + size` can be nothing but `[0] * size`
        yield place.span_edit(start, end, other, SURE if is_repeated and (symbol, other) == ("+", "*") else 1.0)


def swapped_operands(node: ast.BinOp, place: Place) -> Iterator[Proposal]:
    if isinstance(node.op, ORDERED):
        yield place.swap(node.left, node.right, 0.5 if isinstance(node.op, ast.Add) else 1.0)


def dropped_operand(node: ast.BinOp, place: Place) -> Iterator[Proposal]:
    """`a + b` to `a` or to `b`."""
    yield place.replace(node, place.text(node.left))
    yield place.replace(node, place.text(node.right), 0.6)


def regrouped(node: ast.BinOp, place: Place) -> Iterator[Proposal]:
    """`a + b * c` to `(a + b) * c` and back, `a - b - c` to `a - (b - c)`, and the like further in."""
    _, _, symbol = _operator(node, place)
    text = place.source.text
    if isinstance(node.right, ast.BinOp):
        _, _, inner = _operator(node.right, place)
        first, middle = place.grouped(node.left), place.grouped(node.right.left)
        yield place.replace(node, f"({first} {symbol} {middle}) {inner} {place.grouped(node.right.right)}")
    if isinstance(node.left, ast.BinOp):
        _, _, inner = _operator(node.left, place)
        rest = f"{place.grouped(node.left.right)} {symbol} {place.grouped(node.right)}"
        yield place.replace(node, f"{place.grouped(node.left.left)} {inner} ({rest})")
        left_end = place.source.span(node.left)[1]
        if text[left_end : left_end + 1] == ")":  # (a + b) * c  ->  a + b * c
            yield place.replace(node, f"{place.grouped(node.left.left)} {inner} {rest}")
    if isinstance(place.source.parents.get(node), ast.BinOp):
        return  # what encloses it has its operands, too
    operands = list(_operands(node))
    if len(operands) > MAX_OPERANDS:
        return
    for one, other in itertools.combinations(range(len(operands)), 2):  # a + b * c - 1  ->  a + b * (c - 1)
        if other - one + 1 < len(operands):
            start, end = place.source.span(operands[one])[0], place.source.span(operands[other])[1]
            is_inside = one > 0 and other < len(operands) - 1
            yield Proposal((Edit(start, start, "("), Edit(end, end, ")")), 0.8 if is_inside else 1.0)


def _operands(node: ast.expr) -> Iterator[ast.expr]:
    """Of a term and the terms in it, as they are written."""
    if isinstance(node, ast.BinOp):
        yield from _operands(node.left)
        yield from _operands(node.right)
    else:
        yield node


def sign(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """A minus too many or too few."""
    if isinstance(node, ast.UnaryOp):
        if not isinstance(node.op, (ast.USub, ast.Invert)):
            return
        yield place.replace(node, place.text(node.operand))
    elif _is_plain_load(node, place):
        kinds = place.kind_of(node)
        unknown = isinstance(node, (ast.Call, ast.Subscript)) and not kinds
        if kinds & NUMBERS or unknown:
            in_key = any(isinstance(above, ast.Lambda) for above in place.source.ancestors(node))  # sort orders
            yield place.replace(node, f"-{place.text(node)}", 1.0 if in_key else 0.3)


def _is_plain_load(node: ast.AST, place: Place) -> bool:
    parent = place.source.parents.get(node)
    stored = not isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    is_part = isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Call) and parent.func is node)
    return not (stored or is_part or isinstance(parent, ast.Starred))


def off_by_one(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`x` to `x + 1` and `x - 1`, likeliest in indexes, slices, `range`, comparisons and returns."""
    if not _is_plain_load(node, place) or isinstance(node, ast.Constant):
        return
    known = place.kind_of(node)
    if known and not known & {"int", "float"}:
        return
    parent = place.source.parents.get(node)
    if isinstance(parent, ast.Expr) or (
        isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.BitAnd, ast.BitOr))
    ):
        return
    weight = _position_weight(node, parent) * (1.0 if known else 0.4)
    text = place.text(node)
    loose = isinstance(node, (ast.IfExp, ast.Lambda, ast.BoolOp, ast.Compare, ast.Yield))
    inner = f"({text})" if loose else text
    yield place.replace(node, f"{inner} + 1", weight)
    yield place.replace(node, f"{inner} - 1", weight)


def _position_weight(node: ast.AST, parent: ast.AST | None) -> float:
    if isinstance(parent, (ast.Slice, ast.Subscript)):
        return 1.0
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id == "range":
        return 1.0
    if isinstance(parent, (ast.Compare, ast.Return)):
        return 0.6
    if isinstance(parent, ast.Call):
        return 0.5
    return 0.3


def augmented_operator(node: ast.AugAssign, place: Place) -> Iterator[Proposal]:
    """`+=` to `-=`, and to plain `=`."""
    symbol = SYMBOLS[type(node.op)]
    start, end = operator_span(
        place.source, place.source.span(node.target)[1], place.source.span(node.value)[0], [symbol]
    )
    for other in NEAR.get(symbol, ()):
        yield place.span_edit(start, end, other)
    yield place.span_edit(start, end, "", 0.7)
    for other in FAR.get(symbol, ()):
        yield place.span_edit(start, end, other, 0.4)


def augmented(node: ast.Assign, place: Place) -> Iterator[Proposal]:
    """Plain `=` to `+=`, `-=`, `*=`, `|=`."""
    if len(node.targets) == 1 and isinstance(node.targets[0], (ast.Name, ast.Attribute, ast.Subscript)):
        value_start = place.source.span(node.value)[0]
        start, _ = operator_span(place.source, place.source.span(node.targets[0])[1], value_start, ["="])
        for other, weight in (("+", 1.0), ("-", 0.5), ("*", 0.4), ("|", 0.2)):
            yield place.span_edit(start, start, other, weight)


VALUES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.IfExp)
TEMPLATES = [
    Template("arithmetic operator", 0.7, (ast.BinOp,), near_operator),
    Template("arithmetic operator, unlike", 0.18, (ast.BinOp,), far_operator),
    Template("operands swapped", 0.35, (ast.BinOp,), swapped_operands),
    Template("operand dropped", 0.35, (ast.BinOp,), dropped_operand),
    Template("regrouped", 0.3, (ast.BinOp,), regrouped),
    Template("sign", 0.3, (ast.UnaryOp, ast.Name, ast.Subscript, ast.Call, ast.Attribute), sign),
    Template("off by one", 0.6, VALUES, off_by_one),
    Template("augmented operator", 0.6, (ast.AugAssign,), augmented_operator),
    Template("assignment augmented", 0.3, (ast.Assign,), augmented),
]
