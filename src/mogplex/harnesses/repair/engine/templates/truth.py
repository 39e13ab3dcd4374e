"""Truth taken for something else: 0 and "" for None, a name for a comparison with it, `and` for "not, or"."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import SIZED, Place, Proposal
from .logic import conditions
from .template import Template

PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
MAX_CONSTANTS = 12


def _judged(node: ast.AST, place: Place) -> list[ast.expr]:
    """The operands of a node whose truth decides something, `not` taken off."""
    targets = list(node.values) if isinstance(node, ast.BoolOp) else conditions(node)
    found: list[ast.expr] = []
    for target in targets:
        while isinstance(target, ast.UnaryOp) and isinstance(target.op, ast.Not):
            target = target.operand
        if isinstance(target, PLAIN):
            found.append(target)
    return found


def none_for_truth(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`if x` to `if x is not None`, `if not x` to `if x is None`: 0 and "" are values too."""
    for target in _judged(node, place):
        text = place.text(target)
        kinds = place.kind_of(target)
        weight = 1.0 if "NoneType" in kinds else 0.2 if kinds == {"bool"} else 0.6
        parent = place.source.parents.get(target)
        if isinstance(parent, ast.UnaryOp):
            yield place.replace(parent, f"{text} is None", weight)
        else:
            yield place.replace(target, f"{text} is not None", weight)


def fallback_for_none_only(node: ast.BoolOp, place: Place) -> Iterator[Proposal]:
    """`x or y` to `x if x is not None else y`."""
    if isinstance(node.op, ast.Or) and len(node.values) == 2 and isinstance(node.values[0], PLAIN):
        text, other = place.text(node.values[0]), place.text(node.values[1])
        yield place.replace(node, f"{text} if {text} is not None else {other}", 0.6)


def truth_for_none(node: ast.Compare, place: Place) -> Iterator[Proposal]:
    """`x is None` to `not x`, `x is not None` to `x`: an empty one counts as none too."""
    if len(node.ops) != 1 or not _is_none(node.comparators[0]):
        return
    text = place.text(node.left)
    weight = 1.0 if place.kind_of(node.left) & SIZED else 0.6
    if isinstance(node.ops[0], (ast.Is, ast.Eq)):
        yield place.replace(node, f"not {text}", weight)
    elif isinstance(node.ops[0], (ast.IsNot, ast.NotEq)):
        yield place.replace(node, text, weight)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def compared(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`if x` to `if x == "word"`, with a constant of that type from the file."""
    for target in _judged(node, place):
        kinds = place.kind_of(target)
        constants: dict[str, int] = {}
        for one in place.words.constants:
            is_short = type(one.value) in (str, int) and len(repr(one.value)) < 30
            if is_short and (not kinds or type(one.value).__name__ in kinds):
                constants.setdefault(place.text(one), abs(one.lineno - target.lineno))
        near = sorted(constants, key=lambda text: constants[text])[:MAX_CONSTANTS]
        for number, text in enumerate(near):
            weight = (1.0 if kinds else 0.3) / (1 + 0.2 * number)
            yield place.replace(target, f"{place.text(target)} == {text}", weight)
            yield place.replace(target, f"{place.text(target)} != {text}", weight * 0.7)


def membership(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`if d.get(k)` to `if k in d`: 0 and "" are values too."""
    for target in _judged(node, place):
        if not (isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute)):
            continue
        if target.func.attr == "get" and len(target.args) == 1 and not target.keywords:
            yield place.replace(target, f"{place.text(target.args[0])} in {place.text(target.func.value)}")


def implied(node: ast.BoolOp, place: Place) -> Iterator[Proposal]:
    """`a and b` to `not a or b`, `a or b` to `not a and b`, and the other way round."""
    if len(node.values) != 2:
        return
    left, right = place.grouped(node.values[0]), place.grouped(node.values[1])
    word = "or" if isinstance(node.op, ast.And) else "and"
    for text in (
        f"{_negated(node.values[0], place)} {word} {right}",
        f"{left} {word} {_negated(node.values[1], place)}",
    ):
        yield place.replace(node, text)


def _negated(node: ast.expr, place: Place) -> str:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return place.text(node.operand)
    text = place.text(node)
    return f"not {text}" if isinstance(node, (*PLAIN, ast.Compare)) else f"not ({text})"


BRANCHES = (ast.If, ast.While, ast.IfExp, ast.comprehension, ast.BoolOp)
TEMPLATES = [
    Template("None for truth", 0.5, BRANCHES, none_for_truth),
    Template("fallback for None only", 0.5, (ast.BoolOp,), fallback_for_none_only),
    Template("membership for truth", 0.5, BRANCHES, membership),
    Template("truth for None", 0.4, (ast.Compare,), truth_for_none),
    Template("compared with a constant", 0.2, BRANCHES, compared),
    Template("condition implied", 0.25, (ast.BoolOp,), implied),
]
