"""Whole expressions: replaced by another of the function, given a fallback, extended by a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..edit import is_loose
from ..scope import NUMBERS, Place, Proposal
from .atoms import atoms
from .template import Template

RETURNED = ("True", "False", "None", "[]", "0", "{}", '""', "()", "set()", "1", "-1")
FALLBACKS = ("[]", "{}", '""', "0", "None", "()", "1", "True", "False")
MAX_OTHERS = 25
HANDED_ON = (
    ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.For, ast.keyword, ast.comprehension, ast.BinOp, ast.Tuple,
    ast.List, ast.Dict, ast.Yield, ast.ListComp, ast.IfExp,
)  # fmt: skip


def other_expression(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """Replaced by another expression that stands elsewhere in the function, of the same type if types are known."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    parent = place.source.parents.get(node)
    if (isinstance(parent, ast.Call) and parent.func is node) or isinstance(parent, (ast.Expr, ast.Attribute)):
        return
    text = place.text(node)
    mine = place.kind_of(node)
    number = 0
    for other in place.expressions:
        theirs = place.kind_of(other)
        is_unlike = bool(mine and theirs and not mine & theirs) and not place.clash
        if place.text(other) == text or is_unlike or number >= MAX_OTHERS:
            continue
        if place.source.parents.get(other) is node and isinstance(node, ast.Call):
            continue  # unwrapping does it
        number += 1
        yield place.replace(node, place.text(other), 1.0 if mine and theirs else 0.5)


def returned(node: ast.Return, place: Place) -> Iterator[Proposal]:
    """Another value is returned: a name in scope, a constant, a value next to it."""
    if node.value is None:
        _, end = place.source.span(node)
        for text in [*place.names, *RETURNED]:
            if place.is_live(text) or text in RETURNED:
                yield place.span_edit(end, end, f" {text}", 0.7)
        return
    mine = place.text(node.value)
    kinds = place.kind_of(node.value)
    for name in place.names:
        if name != mine and place.is_live(name):
            theirs = place.kind(name)
            yield place.replace(node.value, name, 0.8 if not kinds or not theirs or kinds & theirs else 0.3)
    is_plain = isinstance(node.value, (ast.Constant, ast.List, ast.Dict, ast.Tuple)) and len(mine) < 6
    for text in RETURNED:
        if text != mine:
            yield place.replace(node.value, text, 0.6 if is_plain else 0.25, removes=not is_plain)
    if isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool):
        for atom, weight in atoms(place):
            yield place.replace(node.value, atom, 0.8 * min(1.0, weight))
    for name in place.names:
        if "list" in place.kind(name) and mine in ("[]", "[[]]", name):
            yield place.replace(node.value, f"[{name}]", 0.6)
    if mine == "[]":
        yield place.replace(node.value, "[[]]", 1.0)


def fallback(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`x` to `x or default`."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or not _is_argument_like(node, place):
        return
    text = place.text(node)
    kinds = place.kind_of(node)
    is_nothing = place.words.clues.about_none and isinstance(place.source.parents.get(node), ast.Return)
    weight = 1.0 if "NoneType" in kinds or is_nothing else 0.3
    for default in FALLBACKS:
        yield place.replace(node, f"{text} or {default}", weight)
    for name in place.names:
        if name != text and place.is_live(name) and (not kinds or "NoneType" in kinds or place.kind(name) & kinds):
            yield place.replace(node, f"{text} or {name}", weight * 0.6)
    for name in sorted(place.idle):
        if not kinds or not place.kind(name) or place.kind(name) & {*kinds, "NoneType"}:
            yield place.replace(node, f"{name} or {text}", 0.8)
        if kinds & {"NoneType"} and place.kind(name) & NUMBERS:
            for other in (name, f"{name} + 1", f"{name} - 1"):
                yield place.replace(node, f"{text} if {text} is not None else {other}", 0.6)
    for name in sorted(place.idle_members - place.words.functions.keys()):
        yield place.replace(node, f"self.{name} or {text}", 0.8)
    if "NoneType" in kinds and "." in text:
        base = text.rsplit(".", 1)[0]
        yield place.replace(node, f"{text} if {base} is not None else None", 0.5)


def _is_argument_like(node: ast.AST, place: Place) -> bool:
    """Whether the node is a value that is handed on: assigned, returned, iterated over, an argument."""
    parent = place.source.parents.get(node)
    if isinstance(parent, ast.Call):
        return parent.func is not node
    return isinstance(parent, HANDED_ON)


def extended(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`x` to `x + name`, `x - name`, `x * name`: a term that is missing."""
    parent = place.source.parents.get(node)
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    if not _is_argument_like(node, place) and not isinstance(parent, (ast.Compare, ast.Slice, ast.Subscript)):
        return
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return
    kinds = place.kind_of(node)
    text = f"({place.text(node)})" if isinstance(node, (ast.BinOp, ast.IfExp, ast.BoolOp)) else place.text(node)
    plain = place.text(node)
    for name in place.names:
        theirs = place.kind(name)
        if not place.is_live(name) or name == plain or not theirs:
            continue
        if (not kinds or kinds & NUMBERS) and theirs & NUMBERS - {"bool"}:
            yield place.replace(node, f"{plain} + {name}", 1.0)
            yield place.replace(node, f"{plain} - {name}", 0.8)
            yield place.replace(node, f"{text} * {name}", 0.5)
            yield place.replace(node, f"{text} // {name}", 0.2)
            yield place.replace(node, f"{text} % {name}", 0.3)
            yield place.replace(node, f"max({plain}, {name})", 0.4)
            yield place.replace(node, f"min({plain}, {name})", 0.4)
        elif kinds & theirs & {"str", "list", "tuple"}:
            yield place.replace(node, f"{plain} + {name}", 0.8)
            yield place.replace(node, f"{name} + {plain}", 0.8)
        if kinds & {"list"}:
            yield place.replace(node, f"{plain} + [{name}]", 0.4)
            yield place.replace(node, f"[{name}] + {plain}", 0.4)
    if kinds & NUMBERS:
        for number in _numbers(place):
            yield place.replace(node, f"{plain} + {number}", 0.5)
            yield place.replace(node, f"{plain} - {number}", 0.4)
            yield place.replace(node, f"{text} * {number}", 0.3)
            yield place.replace(node, f"{text} // {number}", 0.2)
    if not kinds or kinds & NUMBERS:
        for other in place.expressions:
            if isinstance(other, (ast.Call, ast.Subscript, ast.BinOp)) and place.text(other) != plain:
                for verb in ("max", "min"):
                    yield place.replace(node, f"{verb}({place.text(other)}, {plain})", 0.25)
                yield place.replace(node, f"{plain} + {place.text(other)}", 0.2)
                yield place.replace(node, f"{plain} - {place.text(other)}", 0.15)


def variable(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """An expression is what a variable in scope holds already, or was meant to hold."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or not _is_value(node, place):
        return
    kinds = place.kind_of(node)
    for name in place.names:
        theirs = place.kind(name)
        if place.is_live(name) and name != "self" and (not kinds or not theirs or kinds & theirs):
            yield place.replace(node, name, 1.0 if kinds and theirs else 0.5)


def _is_value(node: ast.AST, place: Place) -> bool:
    parent = place.source.parents.get(node)
    return _is_argument_like(node, place) or isinstance(parent, (ast.Compare, ast.Subscript, ast.Slice))


def namesake(node: ast.Attribute, place: Place) -> Iterator[Proposal]:
    """`args.name` to `name`, a variable in scope."""
    if isinstance(node.ctx, ast.Load) and node.attr in place.names and place.is_live(node.attr):
        yield place.replace(node, node.attr)


def best_kept(node: ast.Assign, place: Place) -> Iterator[Proposal]:
    """`best = value` to `best = max(best, value)`: the best so far was forgotten."""
    if len(node.targets) != 1 or not isinstance(node.targets[0], (ast.Name, ast.Subscript, ast.Attribute)):
        return
    target, value = place.text(node.targets[0]), place.text(node.value)
    if place.may_be(node.value, NUMBERS) and place.may_be(node.targets[0], NUMBERS) and target not in value:
        for verb in ("max", "min"):
            yield place.replace(node.value, f"{verb}({target}, {value})")


def _numbers(place: Place) -> list[str]:
    """Small numbers that the function mentions, 1 aside (off by one does it)."""
    found = [
        place.text(node) for node in ast.walk(place.function or place.statement)
        if isinstance(node, ast.Constant) and type(node.value) is int and 1 < node.value < 100
    ]  # fmt: skip
    return list(dict.fromkeys(found))[:4]


def conditional(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`x` to `x if condition else y`: the case that x is not made for."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    parent = place.source.parents.get(node)
    if not isinstance(parent, (ast.Return, ast.Assign, ast.keyword, ast.Call)) or getattr(parent, "func", None) is node:
        return
    text = place.text(node)
    if "\n" in text:
        return
    used = [name for name in place.names if place.is_live(name)][:8]
    others = [*[name for name in used if name != text][:4], "None", '""', "0", "[]"]
    for atom, weight in atoms(place)[:10]:
        for number, other in enumerate(others):
            yield place.replace(node, f"{text} if {atom} else {other}", min(1.0, weight) / (1 + 0.2 * number))


def conditional_arms(node: ast.IfExp, place: Place) -> Iterator[Proposal]:
    """The arms of `a if c else b` swapped, or one of them alone."""
    yield place.swap(node.body, node.orelse)
    yield place.replace(node, place.text(node.body), 0.4, removes=True)
    yield place.replace(node, place.text(node.orelse), 0.4, removes=True)


def lambda_body(node: ast.Lambda, place: Place) -> Iterator[Proposal]:
    """Another index, or a minus, in a key function."""
    names = [one.arg for one in node.args.args]
    body = place.text(node.body)
    inner = f"({body})" if is_loose(body) else body
    yield place.replace(node.body, f"-{inner}", 0.6)
    for name in names:
        for text in (name, f"{name}[0]", f"{name}[1]", f"len({name})", f"{name}[-1]"):
            if text != body:
                yield place.replace(node.body, text, 0.5)


VALUES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.Compare)
TEMPLATES = [
    Template("other expression", 0.16, VALUES, other_expression),
    Template("variable for an expression", 0.12, (*VALUES, ast.List), variable),
    Template("namesake", 0.35, (ast.Attribute,), namesake),
    Template("best kept", 0.3, (ast.Assign,), best_kept),
    Template("returned value", 0.2, (ast.Return,), returned),
    Template("fallback", 0.2, (ast.Name, ast.Attribute, ast.Call, ast.Subscript), fallback),
    Template("term added", 0.14, (*VALUES, ast.Constant, ast.IfExp, ast.List, ast.ListComp), extended),
    Template("conditional", 0.08, (ast.Name, ast.Attribute, ast.Call, ast.Subscript), conditional),
    Template("conditional arms", 0.35, (ast.IfExp,), conditional_arms),
    Template("key function", 0.3, (ast.Lambda,), lambda_body),
]
