"""A missing guard that something gives away: a neighbour that has one, or what failing tests died of."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from ..likeness import exchanged, with_words
from ..scope import Place, Proposal
from ..source import FUNCTIONS
from .atoms import maybe_none, whole_reads
from .block import insert_before, unit
from .guards import SIMPLE, in_loop, returned_values, under_conditions
from .template import Template

NEAR = 3  # statements before and after
COPY = 1.5  # the weight of a condition of a statement that is this one with other words
ALIKE = 0.5  # of the weight of a guard that makes the statement the very copy of its neighbour
MAX_VALUES, MAX_TYPES, MAX_BORROWED, MAX_IDLE = 4, 12, 8, 4
LONGEST = 160
UNLIKE = 0.8  # of a guard before a statement of another kind than elsewhere
STRANDED = 0.8  # the weight of `if x: return` after an `if x: continue`, where there is no loop


def guarded_like_neighbour(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """After `if self.a: text += self.a` the statement `text += self.b` to `if self.b: text += self.b`."""
    yield from under_conditions(node, place, list(_like_neighbours(node, place)))


def _like_neighbours(node: ast.stmt, place: Place) -> Iterator[tuple[str, float]]:
    """The condition of a statement like this one near it, of what this one reads: after `if self.a: text += self.a`
    it is `if self.b: text += self.b`."""
    block, number = place.source.block_of(node)
    for near in (*block[max(0, number - NEAR) : number], *block[number + 1 : number + 1 + NEAR]):
        if not isinstance(near, ast.If) or near.orelse or type(near.body[0]) is not type(node):
            continue
        words = exchanged(place.text(near.body[0]), place.text(node))
        if words and len(near.body) == 1:
            yield with_words(words, place.text(near.test)), COPY
        asked = {place.text(one) for one in ast.walk(near.test) if isinstance(one, (ast.Attribute, ast.Name))}
        theirs = [text for text in map(place.text, whole_reads(near.body[0])) if text in asked]
        for text in dict.fromkeys(theirs):
            for mine in dict.fromkeys(map(place.text, whole_reads(node))):
                if mine.count(".") == text.count(".") and mine not in asked:
                    is_same = place.text(near.body[0]).replace(text, mine) == place.text(node)
                    yield place.text(near.test).replace(text, mine), 1.0 if is_same else ALIKE


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


def guarded_as_elsewhere(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """A guard that another function of the file begins with, before the statement: those of its own class first."""
    if place.function is None or isinstance(node, FUNCTIONS):
        return
    owner, own = place.source.class_of(place.function), place.text(place.function)
    known = {*place.names, *place.words.bound, "self", "cls"}
    found: dict[str, float] = {}
    for guard in place.words.guards:
        text = place.text(guard)
        names = {one.id for one in ast.walk(guard) if isinstance(one, ast.Name)}
        if text.startswith("elif") or not names <= known or text.count("\n") != 1 or len(text) > LONGEST:
            continue
        is_near = place.source.class_of(guard) is owner and owner is not None
        is_stranded = isinstance(guard.body[0], ast.Continue) and not in_loop(place)
        text = text[: -len("continue")] + "return" if is_stranded else text
        block, number = place.source.block_of(guard)
        follows = block[number + 1 : number + 2]
        weight = (1.0 if is_near else 0.5) * (STRANDED if is_stranded else 1.0)
        weight *= 1.0 if follows and type(follows[0]) is type(node) else UNLIKE
        if text not in own:
            found[text] = max(found.get(text, 0.0), weight)
    for text, weight in sorted(found.items(), key=lambda pair: -pair[1])[:MAX_BORROWED]:
        test, leave = text.splitlines()
        if (proposal := insert_before(place, [test, f"{unit(place)}{leave.strip()}"], weight)) is not None:
            yield proposal


def guarded_by_unread(node: ast.If, place: Place) -> Iterator[Proposal]:
    """Before `if self.a != other.a: return False` the same of two names that nothing reads."""
    idle = [one for one in place.names if one in place.idle and place.is_live(one)][:MAX_IDLE]
    test, leave = node.test, place.text(node.body[0])
    if len(idle) < 2 or node.orelse or not isinstance(node.body[0], LEAVING) or "\n" in leave:
        return
    if not isinstance(test, ast.Compare) or len(test.ops) > 1:
        return
    operator = place.source.text[place.source.span(test.left)[1] : place.source.span(test.comparators[0])[0]]
    for one, other in itertools.combinations(idle, 2):
        lines = [f"if {one}{operator}{other}:", f"{unit(place)}{leave}"]
        if (proposal := insert_before(place, lines, 1.0)) is not None:
            yield proposal


LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
TEMPLATES = [
    Template("guarded like its neighbour", 0.6, SIMPLE, guarded_like_neighbour),
    Template("guarded against None", 0.5, SIMPLE, guarded_against_none),
    Template("guarded as elsewhere", 0.3, SIMPLE, guarded_as_elsewhere),
    Template("guarded by what nothing reads", 0.5, (ast.If,), guarded_by_unread),
    Template("guarded by a type", 0.5, SIMPLE, guarded_by_type),
]
