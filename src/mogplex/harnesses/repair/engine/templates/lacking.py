"""An attribute that an object was found to lack: its class forgets it, or gives it another name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..edit import Edit
from ..scope import Place, Proposal
from ..source import argument_names
from .block import insert_after, insert_before
from .names import is_given_again
from .template import Template

NAMESAKE, TWICE = 2.0, 1.5  # weights: it gets a value of that very name; its name is given twice in the function
BEGINNINGS = ("None", "True", "False", "0", "1", "[]", "{}", "()", "set()", '""', "''")
BEFORE = 0.8  # of a line among others: most attributes that are forgotten are so at the end
TAKEN = 0.7  # of a value of that name that something else gets already, for that was probably meant


def other_name_given(node: ast.Attribute, place: Place) -> Iterator[Proposal]:
    """`self.literal = escape` to `self.escape = escape`."""
    statement = place.statement
    is_own = isinstance(node.ctx, ast.Store) and getattr(node.value, "id", "") == "self"
    if not is_own or not isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return
    value = statement.value
    for name in _lacking(place):
        if name == node.attr:
            continue
        is_namesake = isinstance(value, ast.Name) and value.id.strip("_") == name.strip("_")
        weight = NAMESAKE if is_namesake else TWICE if is_given_again(node, place) else 1.0
        _, end = place.source.span(node)
        yield Proposal((Edit(end - len(node.attr), end, name),), weight)


def attribute_given(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`self.name = name` at the end of an `__init__` that is given `name`, or where others begin; without such a
    parameter, what it may begin as."""
    function = place.function
    is_last = function is not None and function.body[-1] is node
    if function is None or function.name != "__init__" or not (is_last or _begins_attribute(node, place)):
        return
    for name in _lacking(place):
        plain = name.strip("_")
        own = [plain] if plain in argument_names(function) else []
        sure = NAMESAKE if plain in place.idle else TAKEN if own else 1.0
        copied = [f"list({plain})"] if own and place.kind(plain) & {"list", "tuple"} else []
        for number, value in enumerate([*own, *copied, "None", "[]", "{}", "0", "False"]):
            line = [f"self.{name} = {value}"]
            weight = sure * 0.7**number
            added = insert_after(place, line, weight) if is_last else insert_before(place, line, weight * BEFORE)
            if added is not None:
                yield added


def _begins_attribute(node: ast.stmt, place: Place) -> bool:
    """Whether it is `self.x = []`, or another plain value."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        return False
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    is_own = isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self"
    return is_own and node.value is not None and place.text(node.value) in BEGINNINGS


def _lacking(place: Place) -> list[str]:
    owner = place.source.class_of(place.statement)
    return sorted(name for kind, name in place.words.clues.lacking if owner is not None and owner.name == kind)


TEMPLATES = [
    Template("attribute named", 0.5, (ast.Attribute,), other_name_given),
    Template("attribute given", 0.4, (ast.Assign, ast.AnnAssign, ast.Expr, ast.If, ast.For), attribute_given),
]
