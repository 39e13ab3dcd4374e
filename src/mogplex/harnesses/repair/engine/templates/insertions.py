"""A statement that is missing, made after statements that stand elsewhere in the function or class."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import NUMBERS, Place, Proposal
from ..source import FUNCTIONS
from .block import insert_after, insert_before
from .template import Template

ANY = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Return, ast.With)
MAX_LINES = 60


def missing_lines(place: Place) -> list[tuple[str, float]]:
    """One-line statements that could be missing here, with weights."""
    found: dict[str, float] = {}
    function = place.function
    if function is None:
        return []
    names = [name for name in place.names if place.is_live(name)]
    for node in ast.walk(function):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)) and node is not place.statement:
            text = place.text(node)
            if "\n" not in text and len(text) < 80 and not text.startswith(('"', "'")):
                found.setdefault(text, 0.8)
                for variant in _renamed(node, place, names):
                    found.setdefault(variant, 0.4)
    for name in names:
        kinds = place.kind(name)
        if kinds & NUMBERS - {"bool"}:
            found.setdefault(f"{name} += 1", 0.5)
            found.setdefault(f"{name} -= 1", 0.3)
        if kinds & {"list", "set", "deque"}:
            verb = "add" if "set" in kinds else "append"
            for other in names:
                if other != name and not place.kind(other) & {"function", "module", "type"}:
                    found.setdefault(f"{name}.{verb}({other})", 0.5)
        found.setdefault(f"return {name}", 0.3 if not isinstance(place.statement, ast.Return) else 0.0)
        for other in names:
            if other != name and kinds and place.is_compatible(name, other) == 1.0:
                found.setdefault(f"{name} = {other}", 0.3)
    owner = place.source.class_of(function)
    if owner is not None and "self" in names:
        found.update(_method_calls(owner, place, names))
        for text, kinds in place.kinds.items():
            if text.startswith("self.") and kinds & {"int"}:
                found.setdefault(f"{text} += 1", 0.5)
                found.setdefault(f"{text} -= 1", 0.5)
            elif text.startswith("self.") and kinds & {"list", "dict", "set"}:
                found.setdefault(f"{text}.clear()", 0.2)
    ranked = sorted(((text, weight) for text, weight in found.items() if weight), key=lambda item: -item[1])
    return ranked[:MAX_LINES]


def _renamed(node: ast.stmt, place: Place, names: list[str]) -> Iterator[str]:
    """A statement with one of its names exchanged for a compatible one."""
    start = place.source.span(node)[0]
    text = place.text(node)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            left, right = (position - start for position in place.source.span(inner))
            for other in names:
                if other != inner.id and place.kind(other) and place.is_compatible(inner.id, other) == 1.0:
                    yield text[:left] + other + text[right:]


def _method_calls(owner: ast.ClassDef, place: Place, names: list[str]) -> dict[str, float]:
    """Calls on self as other methods make them, and of methods that take nothing."""
    calls: dict[str, float] = {}
    for node in ast.walk(owner):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            text = place.text(node)
            used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            if text.startswith("self.") and "\n" not in text and len(text) < 80 and used <= set(names):
                calls.setdefault(text, 0.7)
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            text = place.text(node)
            used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            if text.startswith("self.") and "\n" not in text and len(text) < 80 and used <= set(names):
                calls.setdefault(text, 0.5)
        elif isinstance(node, FUNCTIONS) and len(node.args.args) == 1 and not node.name.startswith("__"):
            calls.setdefault(f"self.{node.name}()", 0.5)
    return calls


def inserted(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """A missing line before or after the statement."""
    if place.function is None or place.statement is place.function:
        return
    own = place.text(node)
    for line, weight in missing_lines(place):
        if line == own:
            continue
        after = None if isinstance(node, (ast.Return, ast.Raise)) else insert_after(place, [line], weight)
        before = insert_before(place, [line], weight)
        for proposal in (before, after):
            if proposal is not None:
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


TEMPLATES = [
    Template("missing return", 0.3, ANY, missing_return),
    Template("statement inserted", 0.08, ANY, inserted),
]
