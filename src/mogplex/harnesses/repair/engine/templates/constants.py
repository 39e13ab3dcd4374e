"""Wrong constants: numbers, flags, texts, empty literals."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..edit import quoted
from ..scope import Place, Proposal
from .template import Template

EMPTY = ("[]", "{}", "()", "set()", '""', "0", "None")
SMALL_NUMBERS = (0, 1, -1, 2, 10)
POWERS_OF_TEN = tuple(10**exponent for exponent in range(1, 13))
USUAL_NUMBERS = (60, 24, 7, 12, 365, 3600, 86400, 100, 1000, 1024, 255, 256, 16, 8)
ROUND_WEIGHT = 0.25
MAX_OTHERS = 30


def neighbour(node: ast.Constant, place: Place) -> Iterator[Proposal]:
    """An int by one more or less."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        literal = place.text(node)
        if literal[:2].lower() == "0x" and node.value > 0:  # a mask, say: a digit or a bit further left or right
            others = (node.value * 16, node.value // 16, node.value * 2, node.value // 2)
            for value in dict.fromkeys(others):
                yield place.replace(node, f"{literal[:2]}{value:0{len(literal) - 2}x}", 0.5)
        if not literal.isdigit():
            return
        parent = place.source.parents.get(node)
        is_negative = isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub)
        for value in (node.value - 1, node.value + 1):
            if value == 0 and is_negative:
                yield place.replace(parent, "0")  # type: ignore[arg-type]  # a UnaryOp, as was just seen
            elif value >= 0 or not isinstance(parent, ast.UnaryOp):
                yield place.replace(node, str(value), ROUND_WEIGHT if _is_round(node.value) else 1.0)


def _is_round(number: int) -> bool:
    """10, 100, 60, …: nobody who writes one of these means one more."""
    return number >= 10 and (number % 10 == 0 or number in USUAL_NUMBERS)


def other_constant(node: ast.Constant, place: Place) -> Iterator[Proposal]:
    """A constant of the same type from elsewhere in the file, the nearest ones first; also a few usual numbers."""
    if node.value is None or isinstance(node.value, bool) or _is_docstring(node, place):
        return
    here = type(node.value)
    seen = {repr(node.value)}
    others = [one for one in place.words.constants if type(one.value) is here and not _is_docstring(one, place)]
    others.sort(key=lambda one: abs(one.lineno - node.lineno))
    number = 0
    for one in others:
        if repr(one.value) not in seen and len(repr(one.value)) <= 80 and number < MAX_OTHERS:
            if isinstance(place.source.parents.get(one), ast.JoinedStr):
                continue
            seen.add(repr(one.value))
            number += 1
            yield place.replace(node, place.text(one), 1.0 / (1 + 0.1 * number))
    if node.value in POWERS_OF_TEN:
        for power in POWERS_OF_TEN:
            if power != node.value and max(power, node.value) // min(power, node.value) in (10, 1000):
                yield place.replace(node, str(power), 0.8)
    if here is int:
        for value in SMALL_NUMBERS:
            if repr(value) not in seen:
                yield place.replace(node, str(value), 0.6)
        if isinstance(node.value, int) and node.value > 2:
            for value in (node.value * 2, node.value // 2, node.value * 10, node.value // 10, node.value * 10 + 9):
                yield place.replace(node, str(value), 0.2)
            for value in USUAL_NUMBERS:
                if repr(value) not in seen:
                    yield place.replace(node, str(value), 0.25)
    if here is float and isinstance(node.value, float):
        for scaled in (node.value * 10, node.value / 10, node.value * 2, node.value / 2, 1 - node.value):
            yield place.replace(node, repr(scaled), 0.3)


def _is_docstring(node: ast.Constant, place: Place) -> bool:
    return isinstance(place.source.parents.get(node), ast.Expr)


def variable(node: ast.Constant, place: Place) -> Iterator[Proposal]:
    """A variable was meant: one in scope that has the constant's type here."""
    if node.value is None or isinstance(node.value, bool) or _is_docstring(node, place):
        return
    kind = type(node.value).__name__
    for name in place.names:
        if kind in place.kind(name) and place.is_live(name):
            yield place.replace(node, name)
        elif name in place.enclosing and not place.kind(name):
            yield place.replace(node, name, 0.5)
    for text, kinds in place.kinds.items():
        if "." in text and kind in kinds:
            yield place.replace(node, text, 0.5)


def flag(node: ast.Constant, place: Place) -> Iterator[Proposal]:
    """True and False; None for either."""
    if node.value is True or node.value is False:
        yield place.replace(node, str(not node.value))
        yield place.replace(node, "None", 0.15)
    elif node.value is None:
        for text in ("True", "False", "0", "[]", '""', "{}"):
            yield place.replace(node, text, 0.3)
        for name in place.names:
            if place.is_live(name):
                yield place.replace(node, name, 0.25)


def text_variant(node: ast.Constant, place: Place) -> Iterator[Proposal]:
    """A text with another case, or a blank or its last character more or less."""
    value = node.value
    if not isinstance(value, str) or _is_docstring(node, place) or len(value) > 60:
        return
    variants = {
        value.lower(): 0.5, value.upper(): 0.5, value.strip(): 0.8, value + " ": 0.4, " " + value: 0.4, "": 0.4,
        value + "s": 0.2,
    }  # fmt: skip
    if value == "":
        variants = {" ": 1.0, "\n": 0.4, ",": 0.2, "0": 0.2, "_": 0.1, "-": 0.1}
    elif len(value) > 1:
        variants.update({value[:-1]: 0.5, value[1:]: 0.5})
    for variant, weight in variants.items():
        if variant != value:
            yield place.replace(node, quoted(variant, place.text(node)), weight)


def empty_literal(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`[]` for `{}`, `""` for `None`, …"""
    text = place.text(node)
    if text in EMPTY or text == "''":
        for other in EMPTY:
            if other != text and not (text == "''" and other == '""'):
                yield place.replace(node, other)


TEMPLATES = [
    Template("number by one", 0.8, (ast.Constant,), neighbour),
    Template("other constant", 0.3, (ast.Constant,), other_constant),
    Template("variable for a constant", 0.3, (ast.Constant,), variable),
    Template("flag", 0.55, (ast.Constant,), flag),
    Template("text variant", 0.15, (ast.Constant,), text_variant),
    Template("empty literal", 0.2, (ast.Constant, ast.List, ast.Dict, ast.Tuple, ast.Call), empty_literal),
]
