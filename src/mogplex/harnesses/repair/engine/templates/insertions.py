"""A statement that is missing, made after statements that stand elsewhere in the function or class."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..likeness import WORD, with_words
from ..scope import Place, Proposal
from ..source import names_stored
from .block import insert_after, insert_before, unit
from .missing import is_needed, missing_lines, needed_lines
from .template import Template

ANY = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Return, ast.With)
MAX_LINES = 80


def needed_else(node: ast.If, place: Place) -> Iterator[Proposal]:
    """An `else` with a line that brings something up to date which nothing else does."""
    yield from _else_with(node, place, needed_lines(place))


def else_added(node: ast.If, place: Place) -> Iterator[Proposal]:
    """An `else` with one line, for an `if` that has none."""
    yield from _else_with(node, place, missing_lines(place)[:MAX_LINES])


def _else_with(node: ast.If, place: Place, lines: list[tuple[str, float]]) -> Iterator[Proposal]:
    if node.orelse or place.function is None:
        return
    inner = " " * (len(unit(place)))
    for line, weight in lines:
        proposal = insert_after(place, ["else:", f"{inner}{line}"], weight)
        if proposal is not None:
            yield proposal


def needed(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """A missing line that brings something up to date which nothing else does."""
    yield from _around(node, place, needed_lines(place))


def inserted(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """A missing line before or after the statement."""
    lines = [item for item in missing_lines(place) if not is_needed(item[0], place)]
    yield from _around(node, place, lines[:MAX_LINES])


def _around(node: ast.stmt, place: Place, lines: list[tuple[str, float]]) -> Iterator[Proposal]:
    own = place.text(node)
    for line, weight in lines:
        if line == own or place.statement is place.function:
            continue
        after = None if isinstance(node, (ast.Return, ast.Raise)) else insert_after(place, [line], weight)
        before = insert_before(place, [line], weight)
        for proposal in (before, after):
            if proposal is not None:
                yield proposal


def same_for_another(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`lines = lines or self.lines` beside `columns = columns or self.columns`: what is done to one parameter, done to
    another that nothing is done to."""
    function, text = place.function, place.text(node)
    if function is None or text.count("\n") > 1:
        return
    arguments, words = function.args, set(WORD.findall(text))
    names = [one.arg for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]
    parameters = [one for one in names if one not in ("self", "cls")]
    given, given_here = names_stored(function), names_stored(node)
    indent = place.source.indent_of(node)
    for mine in parameters:
        for other in parameters if mine in given_here else []:
            again = with_words({mine: other}, text)
            if other in words | given or not all(place.words.spelled[one] for one in set(WORD.findall(again)) - words):
                continue
            lines = [line.removeprefix(indent) for line in again.splitlines()]
            for insert in (insert_before, insert_after):
                if (proposal := insert(place, lines, 1.0)) is not None:
                    yield proposal


def missing_return(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`return name` at the end of a function that has none there."""
    function = place.function
    if function is None or node is not function.body[-1] or isinstance(node, (ast.Return, ast.Raise)):
        return
    for name in [*place.names, "self", "True", "False", "[]", "None"]:
        if name in ("True", "False", "[]") or name in place.names:
            proposal = insert_after(place, [f"return {name}"], 1.0 if name in place.names else 0.5)
            if proposal is not None:
                yield proposal


def rest_forgotten(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """After a loop that gathers something and hands it on when it is full: what is left at the end."""
    bound = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    for one in ast.walk(node):
        if not isinstance(one, ast.Expr) or not isinstance(one.value, (ast.Yield, ast.Call)):
            continue
        line = place.text(one)
        given = one.value.args if isinstance(one.value, ast.Call) else [one.value.value]
        names = {
            inner.id for part in given if part is not None for inner in ast.walk(part) if isinstance(inner, ast.Name)
        }
        for name in sorted(names & bound & set(place.names)):
            if "\n" not in line and len(line) < 80:
                for lines, weight in (([f"if {name}:", f"{unit(place)}{line}"], 1.0), ([line], 0.6)):
                    if (proposal := insert_after(place, lines, weight)) is not None:
                        yield proposal


TEMPLATES = [
    Template("rest forgotten", 0.3, (ast.For, ast.While), rest_forgotten),
    Template("missing return", 0.3, ANY, missing_return),
    Template("same for another parameter", 0.35, (ast.Assign, ast.If), same_for_another),
    Template("else added", 0.12, (ast.If,), else_added),
    Template("statement inserted", 0.13, ANY, inserted),
    Template("something neglected", 0.6, ANY, needed),
    Template("something neglected, in an else", 0.5, (ast.If,), needed_else),
]
