"""A name that has no value where a failing test reads it: the assignment that is missing, as far as it can be told."""

from __future__ import annotations

import ast
import builtins
import itertools
from collections.abc import Iterator

from ..edit import Edit
from ..likeness import WORD
from ..scope import Place, Proposal
from ..source import FUNCTIONS, AnyFunction, argument_names, header_expressions, names_stored
from .block import insert_after, insert_before, line_span
from .template import Template
from .values import possible_values, reads

STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.If, ast.For, ast.While, ast.Raise, ast.With,
    ast.Assert,
)  # fmt: skip
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try)
MAX_VALUES = 32
MAX_GIVEN = 6


def given_value(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`name = value` before the statement, or before a block around it."""
    function = place.function
    if function is None or not place.words.clues.nameless:
        return
    read = (one.id for part in header_expressions(node) for one in ast.walk(part) if isinstance(one, ast.Name))
    for name in dict.fromkeys(read):
        if name not in place.words.clues.nameless or name in argument_names(function):
            continue
        for target in _targets(name, function, place):
            values = dict(sorted(possible_values(target, name, node, place), key=lambda pair: pair[1]))
            parts = set(WORD.findall(target))
            likely = sorted(values.items(), key=lambda pair: -pair[1])
            best = list(itertools.islice((pair for pair in likely if not reads(pair[0], parts)), MAX_VALUES))
            for depth, before in enumerate(_levels(node, place)):
                for value, weight in best:
                    proposal = insert_before(before, [f"{target} = {value}"], weight * 0.7**depth)
                    if proposal is not None:
                        yield proposal


def bound_too_late(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """The assignment of such a name that stands further down in the same block goes before the statement."""
    nameless = set(place.words.clues.nameless)
    read = {one.id for part in header_expressions(node) for one in ast.walk(part) if isinstance(one, ast.Name)}
    own = line_span(place, node)
    if own is None or not read & nameless:
        return
    for one in place.source.block_of(node)[0]:
        span = line_span(place, one)
        if one.lineno <= node.lineno or span is None or not isinstance(one, ast.Assign):
            continue
        bound = {inner.id for target in one.targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        if bound & read & nameless:
            line = place.source.text[span[0] : span[1]]
            line += "" if line.endswith(("\n", "\r")) else place.source.newline
            yield Proposal((Edit(own[0], own[0], line), Edit(*span, "")), 1.0)
            return


def bound_elsewhere(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """In a branch that gives a name no value, the assignment that a third of the others have for it, or that one has
    for a name that failing tests have found without a value."""
    chain = _chain(node, place) if place.function is not None else []
    block = place.source.block_of(node)[0]
    others = [branch for branch in chain if branch is not block]
    if not others or len(others) == len(chain):
        return
    bound = [_bound_in(branch) for branch in others]
    for name in sorted(set().union(*bound) - _bound_in(block)):
        is_nameless = name in place.words.clues.nameless
        if not is_nameless and 3 * sum(name in names for names in bound) < len(others):
            continue
        given = [one for branch in others for one in branch if isinstance(one, ast.Assign) and name in _bound_in([one])]
        texts = [text for one in given for text in (*_with_namesakes(one, place), place.text(one))]
        for text in list(dict.fromkeys(texts))[:MAX_GIVEN]:
            weight = 1.0 if is_nameless else 0.5
            after = None if isinstance(node, (ast.Return, ast.Raise)) else insert_after(place, [text], weight)
            for proposal in (insert_before(place, [text], weight), after):
                if proposal is not None and "\n" not in text:
                    yield proposal


def _with_namesakes(node: ast.Assign, place: Place) -> list[str]:
    """`check = simple_detection` with the file's functions in its place that have a part of their name in common with
    that one, and that nothing calls."""
    if not isinstance(node.value, ast.Name):
        return []
    parts, length = set(node.value.id.split("_")), len(node.value.id)
    known = [one for one in sorted(place.words.bound) if not hasattr(builtins, one) and one != node.value.id]
    uncalled = [one for one in known if place.words.is_uncalled(one)]
    alike = [one for one in uncalled if any(len(part) > 2 for part in parts & set(one.split("_")))]
    return [place.text(node)[:-length] + one for one in alike]


def _chain(node: ast.stmt, place: Place) -> list[list[ast.stmt]]:
    """The branches of the `if` that the statement stands right in, `elif` and `else` included."""
    parents = place.source.parents
    top = parents.get(node)
    while top is not None and isinstance(above := parents.get(top), ast.If) and above.orelse == [top]:
        top = above
    branches: list[list[ast.stmt]] = []
    while isinstance(top, ast.If):
        branches.append(top.body)
        is_elif = len(top.orelse) == 1 and isinstance(top.orelse[0], ast.If)
        branches += [top.orelse] if top.orelse and not is_elif else []
        top = top.orelse[0] if is_elif else None
    return branches


def _bound_in(block: list[ast.stmt]) -> set[str]:
    return set().union(*map(names_stored, block))


def _levels(node: ast.stmt, place: Place) -> Iterator[Place]:
    """The statement, and the blocks of its function that it stands in."""
    yield place
    for above in place.source.ancestors(node):
        if isinstance(above, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            return
        if isinstance(above, BLOCKS):
            yield Place(place.source, above, place.words, place.kinds)


def _targets(name: str, function: AnyFunction, place: Place) -> list[str]:
    """The name, and what it is assigned as a part of elsewhere in the function, or in the file together with others
    that the function gives no value either."""
    found = {name: None}
    stored = (names_stored(function) | argument_names(function)) - {name}
    for text in place.words.assigned:
        parts = text.strip("()").split(", ")
        if len(parts) > 1 and name in parts and not stored & set(parts) and all(map(str.isidentifier, parts)):
            found[text] = None
    for one in ast.walk(function):
        for target in one.targets if isinstance(one, ast.Assign) else []:
            if isinstance(target, ast.Tuple) and any(getattr(part, "id", "") == name for part in target.elts):
                found[place.text(target)] = None
    return list(found)


TEMPLATES = [
    Template("name bound too late", 0.9, STATEMENTS, bound_too_late),
    Template("name bound in another branch", 0.7, STATEMENTS, bound_elsewhere),
    Template("name given a value", 0.5, STATEMENTS, given_value),
]
