"""Wrong conditions: connective, operand, negation, an alternative that is missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..edit import is_loose, operator_span
from ..scope import NUMBERS, SIZED, Place, Proposal
from .template import Template

MAX_ATOMS = 40
CHECKED = {"str", "bytes", "list", "tuple", "dict", "set", "int", "float", "bool"}


def connective(node: ast.BoolOp, place: Place) -> Iterator[Proposal]:
    """`and` to `or` and back, each and all."""
    word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:]):
        start, end = operator_span(place.source, place.source.span(left)[1], place.source.span(right)[0], [word])
        yield place.span_edit(start, end, other)
    parts = [place.grouped(value) for value in node.values]
    if len(parts) > 2:
        yield place.replace(node, f" {other} ".join(parts), 0.5)


def dropped_operand(node: ast.BoolOp, place: Place) -> Iterator[Proposal]:
    """`a and b` to `a` or to `b`."""
    word = " and " if isinstance(node.op, ast.And) else " or "
    for number in range(len(node.values)):
        rest = [place.grouped(value) for index, value in enumerate(node.values) if index != number]
        yield place.replace(node, word.join(rest), removes=True)


def regrouped(node: ast.BoolOp, place: Place) -> Iterator[Proposal]:
    """`a or b and c` to `(a or b) and c`."""
    if not isinstance(node.op, ast.Or):
        return
    for number, value in enumerate(node.values):
        if isinstance(value, ast.BoolOp):
            before = " or ".join(place.grouped(one) for one in node.values[:number])
            after = " or ".join(place.grouped(one) for one in node.values[number + 1 :])
            first, rest = place.grouped(value.values[0]), " and ".join(place.grouped(one) for one in value.values[1:])
            if before:
                tail = f" or {after}" if after else ""
                yield place.replace(node, f"({before} or {first}) and {rest}{tail}")
            if after:
                inner = " and ".join(place.grouped(one) for one in value.values[:-1])
                head = f"{before} or " if before else ""
                yield place.replace(node, f"{head}{inner} and ({place.grouped(value.values[-1])} or {after})")


def conditions(statement: ast.AST) -> list[ast.expr]:
    """The conditions that stand in a node itself."""
    found: list[ast.expr] = []
    if isinstance(statement, (ast.If, ast.While, ast.IfExp, ast.Assert)):
        found.append(statement.test)
    if isinstance(statement, ast.comprehension):
        found += statement.ifs
    return found


def negated(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """A `not` too few, around a whole condition or an operand of it."""
    if isinstance(node, ast.BoolOp):
        targets = node.values
    elif isinstance(node, ast.Return):
        targets = [node.value] if node.value is not None and place.may_be(node.value, {"bool"}) else []
    else:
        targets = conditions(node)
    for target in targets:
        if isinstance(target, ast.UnaryOp) and isinstance(target.op, ast.Not):
            continue
        if isinstance(target, ast.Compare) and len(target.ops) == 1:
            continue  # the opposite operator does it
        text = place.text(target)
        yield place.replace(target, f"not ({text})" if is_loose(text) else f"not {text}")


def not_dropped(node: ast.UnaryOp, place: Place) -> Iterator[Proposal]:
    if isinstance(node.op, ast.Not):
        yield place.replace(node, place.text(node.operand))


def atoms(place: Place) -> list[tuple[str, float]]:
    """Simple conditions over what is in scope here, with weights."""
    found: dict[str, float] = {}
    names = [name for name in place.names if place.is_live(name)][:12]
    used = {node.id for node in ast.walk(place.statement) if isinstance(node, ast.Name)}
    for name in names:
        near = 1.0 if name in used else 0.5
        kinds = place.kind(name)
        if kinds and kinds <= {"function", "type", "module", "method", "builtin_function_or_method"}:
            continue
        found.setdefault(name, 0.7 * near)
        found.setdefault(f"not {name}", 1.0 * near)
        if not kinds or "NoneType" in kinds:
            sure = 1.5 if kinds else 1.0
            found[f"{name} is None"] = sure * near
            found[f"{name} is not None"] = sure * near
        if kinds & NUMBERS - {"bool"} or not kinds:
            for text, weight in (("== 0", 0.8), ("< 0", 0.8), ("> 0", 0.6), ("== 1", 0.5), ("> 1", 0.5), (">= 0", 0.4)):
                found.setdefault(f"{name} {text}", weight * near)
        if kinds & SIZED:
            found.setdefault(f"len({name}) > 1", 0.5 * near)
            found.setdefault(f"len({name}) == 1", 0.5 * near)
            found.setdefault(f"len({name}) < 2", 0.4 * near)
        if (kinds & SIZED or not kinds) and name in used:
            for length in place.lengths:
                for operator, weight in (("!=", 0.6), ("==", 0.5), ("<", 0.4), (">", 0.4)):
                    found.setdefault(f"len({name}) {operator} {length}", weight)
    block, number = place.source.block_of(place.statement)
    around = " ".join(place.text(one) for one in block[max(0, number - 1) : number + 2])
    for node in place.expressions:
        if isinstance(node, (ast.Compare, ast.UnaryOp)) and place.kind_of(node) == {"bool"}:
            found.setdefault(place.text(node), 0.8)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            found.setdefault(place.text(node), 0.7)
        elif isinstance(node, ast.Attribute) and "NoneType" in place.kind(place.text(node)) | {""}:
            found.setdefault(f"{place.text(node)} is None", 0.8)
            found.setdefault(f"{place.text(node)} is not None", 0.7)
        elif isinstance(node, ast.Attribute):
            near = 0.8 if place.text(node) in around else 0.4
            found.setdefault(place.text(node), near)
            found.setdefault(f"not {place.text(node)}", near)
    for name in sorted(used & set(names) - {"self", "cls"}):
        for kind in sorted(place.kind(name) & (CHECKED | place.words.classes)):
            sure = 1.0 if place.clash else 0.4 if len(place.kind(name)) > 1 else 0.2
            found.setdefault(f"isinstance({name}, {kind})", sure)
            found.setdefault(f"not isinstance({name}, {kind})", sure)
    for name in sorted(used & set(names) - {"self", "cls"}):
        for attribute in place.words.attributes.get(name, [])[:6]:
            if attribute not in place.words.functions:
                found.setdefault(f"{name}.{attribute}", 0.4)
                found.setdefault(f"not {name}.{attribute}", 0.3)
    for name in names:
        for attribute, kinds in place.kinds.items():
            if attribute.startswith("self.") and kinds & NUMBERS - {"bool"} and place.kind(name) & NUMBERS - {"bool"}:
                for operator, weight in ((">", 0.4), ("<", 0.4), (">=", 0.3), ("==", 0.3)):
                    found.setdefault(f"{name} {operator} {attribute}", weight)
    for weight, text in _pairs(place, names):
        found.setdefault(text, weight)
    return sorted(found.items(), key=lambda item: -item[1])[:MAX_ATOMS]


def _pairs(place: Place, names: list[str]) -> Iterator[tuple[float, str]]:
    """Comparisons of two names of the same type, as `low <= high`."""
    used = {node.id for node in ast.walk(place.statement) if isinstance(node, ast.Name)}
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            if place.kind(one) and place.is_compatible(one, other) == 1.0 and (one in used or other in used):
                yield 0.5, f"{one} == {other}"
                yield 0.5, f"{one} != {other}"
                if not place.kind(one) & NUMBERS:
                    yield 0.4, f"{one} is {other}"
                    yield 0.4, f"{one} is not {other}"
                if place.kind(one) & NUMBERS:
                    yield 0.4, f"{one} < {other}"
                    yield 0.4, f"{one} > {other}"
                    yield 0.3, f"{one} <= {other}"
                    yield 0.3, f"{one} >= {other}"
                if place.kind(one) & SIZED:
                    yield 0.3, f"{one} in {other}"
                    yield 0.3, f"{one} not in {other}"


def extended(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`if a:` to `if a and b:` or `if a or b:`, with b from what is in scope."""
    targets = conditions(node)
    if isinstance(node, ast.Return) and node.value is not None and place.kind_of(node.value) == {"bool"}:
        targets = [node.value]
    for target in targets:
        text = place.text(target)
        for atom, weight in atoms(place):
            if atom in text:
                continue
            for word, inner in (("and", ast.Or), ("or", ast.And)):
                loose = isinstance(target, (ast.IfExp, ast.Lambda)) or (
                    isinstance(target, ast.BoolOp) and isinstance(target.op, inner) and word == "and"
                )
                whole = f"({text})" if loose else text
                yield place.replace(target, f"{whole} {word} {atom}", weight)
                if "[" in text or "." in text or "(" in text:  # the new part may have to protect the old one
                    yield place.replace(target, f"{atom} {word} {whole}", weight * 0.9)


def replaced(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """The whole condition replaced by another one in scope, or by a constant."""
    for target in conditions(node):
        for atom, weight in atoms(place):
            if atom != place.text(target):
                yield place.replace(target, atom, weight)
        if not isinstance(node, ast.While):
            yield place.replace(target, "True", 0.15, removes=True)
        yield place.replace(target, "False", 0.15, removes=True)


def endless(node: ast.While, place: Place) -> Iterator[Proposal]:
    """`while True` to `while waiting`: for ever, although something runs out."""
    if isinstance(node.test, ast.Constant):
        for name in place.names:
            if place.is_live(name) and place.kind(name) & SIZED:
                yield place.replace(node.test, name)


BRANCHES = (ast.If, ast.While, ast.IfExp, ast.Assert, ast.comprehension)
TEMPLATES = [
    Template("and/or swapped", 0.6, (ast.BoolOp,), connective),
    Template("condition operand dropped", 0.35, (ast.BoolOp,), dropped_operand),
    Template("condition regrouped", 0.3, (ast.BoolOp,), regrouped),
    Template("condition negated", 0.5, (*BRANCHES, ast.BoolOp, ast.Return), negated),
    Template("negation dropped", 0.55, (ast.UnaryOp,), not_dropped),
    Template("condition extended", 0.22, (*BRANCHES, ast.Return), extended),
    Template("endless loop", 0.36, (ast.While,), endless),
    Template("condition replaced", 0.12, BRANCHES, replaced),
]
