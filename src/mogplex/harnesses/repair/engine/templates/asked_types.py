"""Types that `isinstance` asks for: one was forgotten, or another one was meant."""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterator

from ..scope import Place, Proposal
from ..source import header_expressions
from ..vocabulary import is_exception
from .template import Template

CHECKS = ("isinstance", "issubclass")
MAX_CLASSES = 12  # of the file's own and those that it imports
TYPE_FRIENDS = {
    "list": ("tuple",),
    "tuple": ("list",),
    "int": ("float", "bool"),
    "float": ("int",),
    "str": ("bytes",),
    "bytes": ("str",),
    "set": ("frozenset",),
    "dict": ("list",),
}


def type_added(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """`isinstance(x, list)` to `isinstance(x, (list, tuple))`; the types that `x` had in a failing test come first."""
    if not (isinstance(node.func, ast.Name) and node.func.id in CHECKS and len(node.args) == 2):
        return
    kinds = node.args[1]
    parts = [place.text(one) for one in kinds.elts] if isinstance(kinds, ast.Tuple) else [place.text(kinds)]
    friends = [friend for part in parts for friend in TYPE_FRIENDS.get(part, ())]
    classes = sorted(
        one for one in place.words.bound if one[:1].isupper() and not one.isupper() and not is_exception(one)
    )
    classes = [one for one in classes if not hasattr(builtins, one)]
    classes = sorted(classes, key=lambda one: one not in place.words.idle)[:MAX_CLASSES]
    friends = [*_met(node.args[0], place), *_of_same_module(node.args[0], parts, place), *friends]
    for friend in dict.fromkeys(
        [*friends, "str", "bytes", "list", "tuple", "dict", "set", "int", "float", "type(None)", *classes]
    ):
        if friend not in parts:
            yield place.replace(kinds, f"({', '.join([*parts, friend])})", 1.0 if friend in friends else 0.5)
            yield place.replace(kinds, friend, 0.4)
    for text, theirs in place.kinds.items():  # the class is known by another name
        if theirs <= {"type", "ABCMeta", "EnumMeta"} and text not in parts:
            yield place.replace(kinds, text, 0.6)
    if len(parts) > 1:
        for number in range(len(parts)):
            rest = [part for index, part in enumerate(parts) if index != number]
            yield place.replace(kinds, f"({', '.join(rest)})" if len(rest) > 1 else rest[0], 0.6)


def _of_same_module(node: ast.expr, parts: list[str], place: Place) -> list[str]:
    """`ast.List` where others are asked for as `ast.Tuple`, and a value of that type was met."""
    owners = dict.fromkeys(part.rpartition(".")[0] for part in parts if "." in part)
    return [f"{owner}.{kind}" for owner in owners for kind in sorted(place.kind_of(node)) if kind.isidentifier()]


def type_missing(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """`isinstance(x)` to `isinstance(x, str)`: a type that several places of the file ask for, one that `x` had in a
    failing test, one that some other place asks for, a usual one, a class of the file."""
    if not _lacks_type(node):
        return
    elsewhere = Counter(
        place.text(one.args[1]) for verb in CHECKS for one in place.words.calls.get(verb, []) if len(one.args) == 2
    )
    classes = [one for one in sorted(place.words.classes) if not is_exception(one)]
    end = place.source.span(node)[1] - 1
    if place.source.text[:end].rstrip().endswith(","):
        return
    met, asked = _met(node.args[0], place), [one for one, _ in elsewhere.most_common()]
    usual = [
        one for one in asked if one in met or elsewhere[one] > 1
    ]  # rather than a kind of it that no other asks for
    kinds = [*sorted(usual, key=lambda one: one not in met), *met, *asked, *TYPE_FRIENDS, *classes]
    for number, kind in enumerate(dict.fromkeys(one for one in kinds if "\n" not in one)):
        yield place.span_edit(end, end, f", {kind}", 1.0 / (1 + 0.05 * number))


def _met(node: ast.expr, place: Place) -> list[str]:
    """The types that a value had in failing tests, as far as the file can name them."""
    known = {*place.words.spelled, *place.words.bound}
    return [
        one for one in sorted(place.kind_of(node)) if one in known or isinstance(getattr(builtins, one, None), type)
    ]


def _lacks_type(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in CHECKS:
        return False
    return len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred)


def asks_for_nothing(node: ast.stmt) -> bool:
    return any(_lacks_type(one) for part in header_expressions(node) for one in ast.walk(part))


TEMPLATES = [
    Template("type missing", 0.9, (ast.Call,), type_missing, is_evident=asks_for_nothing),
    Template("isinstance type", 0.35, (ast.Call,), type_added),
]
