"""A missing guard that something gives away: a neighbour that has one, or what failing tests died of."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import Place, Proposal
from ..source import FUNCTIONS
from .atoms import maybe_none
from .block import insert_before, unit
from .guards import SIMPLE, in_loop, returned_values, under_conditions
from .template import Template

ALIKE = 0.5  # of the weight of a guard that makes the statement the very copy of its neighbour
MAX_VALUES, MAX_TYPES = 4, 12


def guarded_like_neighbour(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """After `if self.a: text += self.a` the statement `text += self.b` to `if self.b: text += self.b`."""
    yield from under_conditions(node, place, list(_like_neighbours(node, place)))


def _like_neighbours(node: ast.stmt, place: Place) -> Iterator[tuple[str, float]]:
    """The condition of a statement like this one next to it, of what this one reads: after `if self.a: text += self.a`
    it is `if self.b: text += self.b`."""
    block, number = place.source.block_of(node)
    for near in (*block[max(0, number - 1) : number], *block[number + 1 : number + 2]):
        if not isinstance(near, ast.If) or near.orelse or type(near.body[0]) is not type(node):
            continue
        asked = {place.text(one) for one in ast.walk(near.test) if isinstance(one, (ast.Attribute, ast.Name))}
        theirs = [text for text in _read(near.body[0], place) if text in asked]
        for text in theirs:
            for mine in _read(node, place):
                if mine.count(".") == text.count(".") and mine not in asked:
                    is_same = place.text(near.body[0]).replace(text, mine) == place.text(node)
                    yield place.text(near.test).replace(text, mine), 1.0 if is_same else ALIKE


def _read(node: ast.stmt, place: Place) -> list[str]:
    """The attributes and names that a statement reads, whole ones only."""
    every = [one for one in ast.walk(node) if isinstance(one, (ast.Attribute, ast.Name))]
    parts = {one.value for one in every if isinstance(one, ast.Attribute)}
    whole = [one for one in every if one not in parts and isinstance(one.ctx, ast.Load)]
    return list(dict.fromkeys(place.text(one) for one in whole))


def guarded_against_none(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """The statement only `if x is not None`, or `if x is None: return …` before it, where failing tests died of a None
    and `x` was one."""
    if place.function is None or isinstance(node, FUNCTIONS):
        return
    names = maybe_none(place)
    yield from under_conditions(node, place, [(f"{name} is not None", 1.0) for name in names])
    leaving = ["continue"] if in_loop(place) else []
    leaving += [f"return {value}" for value in (returned_values(place) if names else [])[:MAX_VALUES]]
    for name in names:
        for number, leave in enumerate(leaving):
            lines = [f"if {name} is None:", f"{unit(place)}{leave}"]
            if (proposal := insert_before(place, lines, 0.8 / (1 + 0.3 * number))) is not None:
                yield proposal


def guarded_by_type(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """The statement only `if isinstance(x, Other)`, where a failing test died of an attribute that objects of the type
    of `x` lack, and the file asks for that other type elsewhere."""
    lacking = {kind for kind, _ in place.words.clues.lacking}
    read = {one.id for one in place.nodes() if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    concerned = sorted(name for name in read - {"self", "cls"} if place.kind(name) & lacking)
    others = [kind for kind in _types_named(place) if kind.rpartition(".")[2] not in lacking] if concerned else []
    conditions = [(f"isinstance({name}, {kind})", 1.0) for name in concerned for kind in others]
    yield from under_conditions(node, place, conditions)


def _types_named(place: Place) -> list[str]:
    """Those that the file asks for."""
    calls = [one for name in ("isinstance", "issubclass") for one in place.words.calls.get(name, [])]
    named = [one.args[1] for one in calls if len(one.args) == 2]
    plain = [place.text(one) for one in named if isinstance(one, (ast.Name, ast.Attribute))]
    return list(dict.fromkeys(plain))[:MAX_TYPES]


TEMPLATES = [
    Template("guarded like its neighbour", 0.6, SIMPLE, guarded_like_neighbour),
    Template("guarded against None", 0.5, SIMPLE, guarded_against_none),
    Template("guarded by a type", 0.5, SIMPLE, guarded_by_type),
]
