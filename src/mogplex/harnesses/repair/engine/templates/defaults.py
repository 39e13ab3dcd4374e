"""Defaults of parameters: one that is missing or another one, a mutable one, `if x is None: x = …`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import SIZED, Place, Proposal
from ..source import AnyFunction, opening
from .block import insert_before, unit
from .guards import SIMPLE
from .template import Template

NAMESAKE = 2.5  # of one that a parameter of the same name has elsewhere
ASKED = 4.0  # the weight of a default that the function asks for


def none_default(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`if x is None: x = …` before the first statements of a function."""
    if place.function is None or node not in place.function.body[:3]:
        return
    for name in place.names:
        kinds = place.kind(name)
        if "NoneType" in kinds or not kinds:
            others = [other for other in place.names if other != name and place.is_live(other)][:5]
            for value in ("[]", "{}", "0", '""', "()", "set()", "1", *others):
                proposal = insert_before(
                    place, [f"if {name} is None:", f"{unit(place)}{name} = {value}"], 1.0 if kinds else 0.3
                )
                if proposal is not None:
                    yield proposal
        if kinds & SIZED:
            proposal = insert_before(place, [f"{name} = list({name})"], 0.3)
            if proposal is not None:
                yield proposal


def mutable_default(node: ast.FunctionDef, place: Place) -> Iterator[Proposal]:
    """`def f(x=[])` to `def f(x=None)` with `if x is None: x = []` in the body."""
    first = Place(place.source, opening(node), place.words, place.kinds)
    for argument, default in _defaults_of(node):
        if isinstance(default, (ast.List, ast.Dict, ast.Set, ast.Call)):
            changed = place.replace(default, "None")
            value = place.text(default)
            guard = insert_before(first, [f"if {argument.arg} is None:", f"{unit(first)}{argument.arg} = {value}"], 1.0)
            if guard is not None:
                yield Proposal((*changed.edits, *guard.edits), 1.0)


def default_value(node: ast.FunctionDef, place: Place) -> Iterator[Proposal]:
    """Another default argument, None if the function asks for that; one where there is none."""
    for argument, default in _defaults_of(node):
        usual = _usual_defaults(argument.arg, node, place)
        for text in dict.fromkeys([*usual, "None", "True", "False", "0", "1", "()", '""']):
            if text != place.text(default):
                is_asked = text == "None" and _asks_for_none(node, argument.arg)
                yield place.replace(default, text, ASKED if is_asked else max(1.0, usual.get(text, 0.0)))
    if node.args.args and not node.args.vararg and not node.args.kwonlyargs and not node.args.kwarg:
        count = len(node.args.args) - len(node.args.defaults)
        last = node.args.args[count - 1] if count else None
        if last is not None and last.arg not in ("self", "cls"):
            end = place.source.span(last)[1]
            for text in ("None", "0", "False", "True", '""', "()"):
                yield place.span_edit(end, end, f"={text}", 0.5)


def _defaults_of(function: AnyFunction) -> list[tuple[ast.arg, ast.expr]]:
    """The parameters that have a default, with it."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(named[len(named) - len(arguments.defaults) :], arguments.defaults))
    return pairs + [
        (one, value) for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults) if value is not None
    ]


def _usual_defaults(name: str, function: AnyFunction, place: Place) -> dict[str, float]:
    """What parameters of this name have as a default in other functions, and the others of this function."""
    found: dict[str, float] = {}
    for other in [*place.words.functions.values(), function]:
        for argument, value in _defaults_of(other):
            if argument.arg == name or other is function:
                text = place.text(value)
                if len(text) < 20:
                    found[text] = max(found.get(text, 0.0), NAMESAKE if argument.arg == name else 1.2)
    return found


def _asks_for_none(function: ast.FunctionDef, name: str) -> bool:
    """Whether it compares an argument with None: then that is mostly what is there when nothing is given."""
    return any(
        isinstance(one, ast.Compare)
        and isinstance(one.left, ast.Name)
        and one.left.id == name
        and isinstance(one.ops[0], (ast.Is, ast.IsNot))
        and isinstance(one.comparators[0], ast.Constant)
        and one.comparators[0].value is None
        for one in ast.walk(function)
    )


TEMPLATES = [
    Template("missing default", 0.2, SIMPLE, none_default),
    Template("mutable default", 1.2, (ast.FunctionDef, ast.AsyncFunctionDef), mutable_default),
    Template("default argument", 0.3, (ast.FunctionDef, ast.AsyncFunctionDef), default_value),
]
