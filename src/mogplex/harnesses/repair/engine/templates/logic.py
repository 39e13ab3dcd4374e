"""Wrong conditions: connective, operand, negation, an alternative that is missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..edit import is_loose, operator_span
from ..scope import SIZED, Place, Proposal
from ..source import header_expressions
from .atoms import atoms, whole_reads
from .similar import siblings_of
from .template import Template

CHANGING = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)  # what may come out differently each time
MAX_UNREAD = 3
MIXED = 0.5  # how well types fit that are unknown, or may mix
ANOTHER_TYPE = 2.0  # of a type that the thing has, where others are asked for already


def connective(node: ast.BoolOp, place: Place) -> Iterator[Proposal]:
    """`and` to `or` and back, each and all."""
    word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:]):
        start, end = operator_span(place.source, place.source.span(left)[1], place.source.span(right)[0], [word])
        yield place.span_edit(start, end, other)
    parts = [place.grouped(value) for value in node.values]
    if len(parts) > 2:
        yield place.replace(node, f" {other} ".join(parts), 0.5)


def settled(node: ast.BoolOp, place: Place) -> Iterator[Proposal]:
    """`x == 2 and x == 3`, which nothing is, to `x == 2 or x == 3`; `x != 2 or x != 3`, which all is, to `and`."""
    if _is_settled(node):
        yield from connective(node, place)


def _is_settled(node: ast.AST) -> bool:
    """Whether the alternatives ask of the same thing whether it is this and that."""
    if not isinstance(node, ast.BoolOp):
        return False
    operator = ast.Eq if isinstance(node.op, ast.And) else ast.NotEq
    asked: list[tuple[str, object]] = []
    for one in node.values:
        is_plain = isinstance(one, ast.Compare) and len(one.ops) == 1 and isinstance(one.ops[0], operator)
        if not is_plain or not isinstance(one, ast.Compare) or not isinstance(one.comparators[0], ast.Constant):
            return False
        if any(isinstance(part, CHANGING) for part in ast.walk(one.left)):
            return False
        asked.append((ast.dump(one.left), one.comparators[0].value))
    return len({left for left, _ in asked}) == 1 < len({value for _, value in asked})


def _has_settled(statement: ast.stmt) -> bool:
    return any(map(_is_settled, header_expressions(statement)))


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


def extended(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`if a:` to `if a and b:` or `if a or b:`, with b from what is in scope."""
    targets = conditions(node)
    if isinstance(node, ast.Return) and node.value is not None and place.kind_of(node.value) == {"bool"}:
        targets = [node.value]
    for target in targets:
        text = place.text(target)
        asked = {place.text(part) for part in (target.values if isinstance(target, ast.BoolOp) else [target])}
        for atom, weight in atoms(place):
            if asked & {atom, f"not {atom}", atom[len("not ") :] if atom.startswith("not ") else atom}:
                continue
            if atom.startswith("isinstance(") and atom.split(",")[0] in text:
                weight = max(weight, ANOTHER_TYPE)
            for word, inner in (("and", ast.Or), ("or", ast.And)):
                loose = isinstance(target, (ast.IfExp, ast.Lambda)) or (
                    isinstance(target, ast.BoolOp) and isinstance(target.op, inner) and word == "and"
                )
                whole = f"({text})" if loose else text
                yield place.replace(target, f"{whole} {word} {atom}", weight)
                if "[" in text or "." in text or "(" in text:  # the new part may have to protect the old one
                    yield place.replace(target, f"{atom} {word} {whole}", weight * 0.9)


def with_unread(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`a and b` to `a and (b or c)`, with what nothing has read so far."""
    targets = conditions(node)
    if isinstance(node, ast.Return) and isinstance(node.value, (ast.BoolOp, ast.Compare, ast.UnaryOp)):
        targets = [node.value]
    names = [name for name in sorted(place.idle) if place.is_live(name)]
    names += [f"self.{name}" for name in sorted(place.idle_members - place.words.functions.keys())]
    for target in targets:
        operands = target.values if isinstance(target, ast.BoolOp) else []
        for operand in [target, *operands]:
            for name in names[:MAX_UNREAD]:
                for atom, weight in ((name, 1.0), (f"not {name}", 0.9)):
                    for word, inner in (("and", ast.Or), ("or", ast.And)):
                        is_mixed = isinstance(operand, ast.BoolOp) and isinstance(operand.op, inner)
                        text = f"({place.text(operand)})" if is_mixed else place.text(operand)
                        yield place.replace(operand, f"{text} {word} {atom}", weight)


def likewise(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`if self.low is None:` to `if self.low is None and self.high is None:`: the same of another that fits."""
    for target in conditions(node):
        if isinstance(target, (ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr)):
            continue
        text = place.text(target)
        for one in whole_reads(target):
            mine = place.text(one)
            for other, weight in _alike(one, place):
                again = _with_other(mine, other, text)
                if again != text and other not in text:
                    yield place.replace(target, f"{text} and {again}", weight)
                    yield place.replace(target, f"{text} or {again}", weight)


def another_question(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`if isnan(v):` to `if isnan(v) or isinf(v):`: a question of the same family, about the same."""
    for target in conditions(node):
        operands = target.values if isinstance(target, ast.BoolOp) else [target]
        for operand in operands:
            call = operand.operand if isinstance(operand, ast.UnaryOp) and isinstance(operand.op, ast.Not) else operand
            if not isinstance(call, ast.Call):
                continue
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            start, end = place.source.span(call.func)
            for other in siblings_of(name):
                if isinstance(call.func, ast.Name) and other not in {*place.names, *place.words.bound}:
                    continue
                text, whole = place.text(operand), place.source.text
                again = f"{whole[start : end - len(name)]}{other}{whole[end : place.source.span(call)[1]]}"
                again = f"not {again}" if call is not operand else again
                if again not in place.text(target) and "\n" not in text:
                    yield place.replace(operand, f"{text} or {again}")
                    yield place.replace(operand, f"{text} and {again}", 0.8)


def _with_other(mine: str, other: str, text: str) -> str:
    return re.sub(rf"(?<![.\w]){re.escape(mine)}\b", lambda _: other, text)


def _alike(node: ast.expr, place: Place) -> Iterator[tuple[str, float]]:
    """What may stand in its place: attributes of the same thing that the function reads too, names of the same type."""
    text = place.text(node)
    if isinstance(node, ast.Attribute):
        owner = place.text(node.value)
        near = [place.text(one) for one in place.expressions if isinstance(one, ast.Attribute)]
        for other in near:
            if other.rpartition(".")[0] == owner and other != text and place.is_compatible(text, other) >= MIXED:
                yield other, 1.0
    for name in place.names:
        fits = place.is_compatible(text, name)
        if name != text and fits >= MIXED and name not in ("self", "cls"):
            yield name, 0.8 if fits == 1.0 or "NoneType" in place.kind(name) else 0.3


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
    Template("condition that is settled", 0.9, (ast.BoolOp,), settled, is_evident=_has_settled),
    Template("and/or swapped", 0.6, (ast.BoolOp,), connective),
    Template("condition operand dropped", 0.35, (ast.BoolOp,), dropped_operand),
    Template("condition regrouped", 0.3, (ast.BoolOp,), regrouped),
    Template("condition negated", 0.5, (*BRANCHES, ast.BoolOp, ast.Return), negated),
    Template("negation dropped", 0.55, (ast.UnaryOp,), not_dropped),
    Template("condition for another, too", 0.25, BRANCHES, likewise),
    Template("another question, too", 0.25, BRANCHES, another_question),
    Template("condition with what nothing reads", 0.25, (*BRANCHES, ast.Return), with_unread),
    Template("condition extended", 0.22, (*BRANCHES, ast.Return), extended),
    Template("endless loop", 0.36, (ast.While,), endless),
    Template("condition replaced", 0.12, BRANCHES, replaced),
]
