"""Wrong comparison: boundary, direction, identity, operands."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..edit import operator_span
from ..scope import NUMBERS, Place, Proposal
from .template import Template

SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPPOSITE = {
    "<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "!=", "!=": "==", "is": "is not", "is not": "is", "in": "not in",
    "not in": "in",
}  # fmt: skip
OTHERS = {
    "<": (">=", "!=", "=="), "<=": (">", "==", "!="), ">": ("<=", "!=", "=="), ">=": ("<", "==", "!="),
    "==": ("<=", ">=", "<", ">", "in", "is"), "!=": ("<", ">", "not in", "is not"), "is": ("==",), "is not": ("!=",),
    "in": ("==",), "not in": ("!=",),
}  # fmt: skip
ONE_OF_SEVERAL = 0.75  # the weight of an operand: what joins it with the others is as often wrong
SIZES = {"== 0": ("<= 1",), "<= 1": ("== 0",), "!= 0": ("> 1",), "> 1": ("!= 0",), "== 1": ("> 0",), "> 0": ("== 1",)}


def _operators(node: ast.Compare, place: Place) -> Iterator[tuple[int, int, str]]:
    """Start, end and text of each operator of a (chained) comparison."""
    left: ast.expr = node.left
    for operator, right in zip(node.ops, node.comparators):
        symbol = SYMBOLS[type(operator)]
        start, end = operator_span(
            place.source, place.source.span(left)[1], place.source.span(right)[0], symbol.split()
        )
        yield start, end, symbol
        left = right


def boundary(node: ast.Compare, place: Place) -> Iterator[Proposal]:
    """`<` and `<=`, `>` and `>=`."""
    for start, end, symbol in _operators(node, place):
        if symbol in BOUNDARY:
            yield place.span_edit(start, end, BOUNDARY[symbol])


def opposite(node: ast.Compare, place: Place) -> Iterator[Proposal]:
    """`<` and `>`, `==` and `!=`, `in` and `not in`, `is` and `is not`."""
    weight = ONE_OF_SEVERAL if isinstance(place.source.parents.get(node), ast.BoolOp) else 1.0
    for start, end, symbol in _operators(node, place):
        yield place.span_edit(start, end, OPPOSITE[symbol], weight)


def other_operator(node: ast.Compare, place: Place) -> Iterator[Proposal]:
    for start, end, symbol in _operators(node, place):
        for number, other in enumerate(OTHERS[symbol]):
            if other in ("in", "not in") and place.kind_of(node.comparators[0]) & NUMBERS:
                continue
            yield place.span_edit(start, end, other, 1.0 - 0.1 * number)


def swapped_operands(node: ast.Compare, place: Place) -> Iterator[Proposal]:
    """`a in b` for `b in a`; for orderings the opposite operator does the same."""
    if len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        yield place.swap(node.left, node.comparators[0])


def boundary_of_sizes(node: ast.Compare, place: Place) -> Iterator[Proposal]:
    """`== 0` to `<= 1`, `> 0` to `> 1`, …: one is as good as none, or as good as many."""
    if len(node.ops) == 1 and isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value in (0, 1):
        ((start, _, symbol),) = _operators(node, place)
        here = f"{symbol} {place.text(node.comparators[0])}"
        for other in SIZES.get(here, ()):
            yield place.span_edit(start, place.source.span(node.comparators[0])[1], other)


def case_forgotten(node: ast.Compare, place: Place) -> Iterator[Proposal]:
    """`x == "AS"` to `x.upper() == "AS"`, `x in names` to `x.lower() in names`: however it is written."""
    if len(node.ops) != 1 or not isinstance(node.ops[0], (ast.Eq, ast.NotEq, ast.In, ast.NotIn)):
        return
    sides = (node.left, node.comparators[0]) if isinstance(node.ops[0], (ast.Eq, ast.NotEq)) else (node.left,)
    told = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    likely = {"lower": 1.0 if any(text.islower() for text in told) else 0.3}
    likely["upper"] = 1.0 if any(text.isupper() for text in told) else 0.3
    for side in sides:
        is_text = place.kind_of(side) <= {"str", "NoneType"} if place.kind_of(side) else bool(told)
        if is_text and not isinstance(side, ast.Constant):
            for verb, weight in likely.items():
                yield place.replace(side, f"{place.text(side)}.{verb}()", weight if told else 0.5)


def shortened_chain(node: ast.Compare, place: Place) -> Iterator[Proposal]:
    """`a < b < c` to `a < b` or `b < c`."""
    if len(node.ops) > 1:
        start, end = place.source.span(node)
        yield place.span_edit(place.source.span(node.comparators[-2])[1], end, "", removes=True)
        yield place.span_edit(start, place.source.span(node.comparators[0])[0], "", removes=True)


TEMPLATES = [
    Template("comparison boundary", 1.0, (ast.Compare,), boundary),
    Template("comparison opposite", 0.7, (ast.Compare,), opposite),
    Template("case forgotten", 0.3, (ast.Compare,), case_forgotten),
    Template("comparison of sizes", 0.25, (ast.Compare,), boundary_of_sizes),
    Template("comparison operator", 0.3, (ast.Compare,), other_operator),
    Template("comparison operands swapped", 0.2, (ast.Compare,), swapped_operands),
    Template("comparison chain shortened", 0.1, (ast.Compare,), shortened_chain),
]
