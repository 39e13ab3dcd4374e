"""Wrong names: another variable, attribute, function or method was meant."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from ..edit import Edit
from ..scope import NUMBERS, Place, Proposal
from ..vocabulary import is_exception
from .similar import siblings_of
from .template import Template


def similar_name(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`any` for `all`, `rsplit` for `split`, `values` for `items`, …"""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    for number, other in enumerate(siblings_of(name)):
        weight = 1.0 / (1 + 0.15 * number)
        if isinstance(node, ast.Name):
            if hasattr(builtins, other) or other in place.names:
                yield place.replace(node, other, weight)
        else:
            yield _with_attribute(node, place, other, weight)


def _with_attribute(node: ast.AST, place: Place, name: str, weight: float) -> Proposal:
    _, end = place.source.span(node)
    return place.span_edit(end - len(getattr(node, "attr", "")), end, name, weight)


def other_variable(node: ast.Name, place: Place) -> Iterator[Proposal]:
    """Another name in scope that has a compatible type here."""
    if not isinstance(node.ctx, ast.Load):
        return
    parent = place.source.parents.get(node)
    if isinstance(parent, ast.Call) and parent.func is node and node.id not in place.names:
        return
    is_any = place.is_judged(node) or place.is_asked(node)  # anything can be true or not
    beside = place.kinds_beside(node)
    for other in place.names:
        fits = place.is_compatible(node.id, other)
        fits = max(fits, 0.6) if fits and is_any else fits
        fits = 1.0 if fits and beside & place.kind(other) else fits
        if place.is_misfit(node):
            fits = MISFIT if place.kind(other) & NUMBERS else fits
        if other != node.id and fits and node.id in place.names:
            yield place.replace(node, other, fits * _familiar(node, place, other))
    if node.id not in place.names and hasattr(builtins, node.id) is False:
        for other in place.words.globals:
            if other != node.id:
                yield place.replace(node, other, 0.4)
    for text in place.kinds:  # self.x where x was meant
        if text.endswith("." + node.id):
            yield place.replace(node, text, 0.6)


def _familiar(node: ast.AST, place: Place, word: str) -> float:
    """How natural a word is in place of a name, or of the last part of an attribute."""
    start, end = place.source.span(node)
    start = end - len(node.attr) if isinstance(node, ast.Attribute) else start
    return place.words.familiarity.factor(start, end, word)


def swapped_names(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """Two names of one statement exchanged, wherever they stand in it."""
    loads: dict[str, list[ast.Name]] = {}
    for inner in place.nodes():
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load) and inner.id in place.names:
            loads.setdefault(inner.id, []).append(inner)
    names = list(loads)[:8]
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            fits = place.is_compatible(one, other)
            edits = [Edit(*place.source.span(inner), other) for inner in loads[one]]
            edits += [Edit(*place.source.span(inner), one) for inner in loads[other]]
            if fits > 0.3:
                yield Proposal(tuple(edits), fits)


def constant_for_variable(node: ast.Name, place: Place) -> Iterator[Proposal]:
    """A plain 0, 1, None, … was meant where a variable stands."""
    parent = place.source.parents.get(node)
    if not isinstance(node.ctx, ast.Load) or node.id not in place.names or isinstance(parent, ast.Attribute):
        return
    if isinstance(parent, ast.Call) and parent.func is node:
        return
    kinds = place.kind(node.id)
    texts = ["None", "True", "False"]
    if not kinds or kinds & NUMBERS:
        texts = ["0", "1", "-1", *texts]
    if kinds & {"str"}:
        texts = ['""', '" "', *texts]
    for number, text in enumerate(texts):
        yield place.replace(node, text, 1.0 - 0.12 * number)


def other_target(node: ast.Name, place: Place) -> Iterator[Proposal]:
    """Assigned to the wrong variable."""
    if isinstance(node.ctx, ast.Store):
        for other in place.names:
            if other != node.id and (fits := place.is_compatible(node.id, other)):
                yield place.replace(node, other, fits)


def other_attribute(node: ast.Attribute, place: Place) -> Iterator[Proposal]:
    """Another attribute of the same object, seen at run time or used elsewhere in the file."""
    base = place.text(node.value)
    is_stored = isinstance(node.ctx, ast.Store)
    mine = _kinds_stored(node, place) or place.kind(place.text(node))
    again = AGAIN if is_stored and is_given_again(node, place) else 1.0
    called = _is_called(node, place)
    seen: dict[str, float] = {}
    for text, kinds in place.kinds.items():
        if text.startswith(base + ".") and text.count(".") == base.count(".") + 1 and not called:
            seen[text.rsplit(".", 1)[1]] = 1.0 if not mine or kinds & mine else 0.8 if place.is_judged(node) else 0.3
    if isinstance(node.value, ast.Name):
        owner = place.source.class_of(node) if node.value.id == "self" else None
        own = place.words.owned.get(owner, []) if owner is not None else place.words.attributes.get(node.value.id, [])
        for names, weight in ((own, 0.6), (place.words.attributes.get(node.value.id, []), 0.15)):
            for name in names:
                if node.value.id != "self" or (name in place.words.functions) == called:
                    seen.setdefault(name, weight)
    elif not called:
        for names in place.words.attributes.values():
            for name in names:
                seen.setdefault(name, 0.2)
    nearby = {one.attr for one in place.nodes() if isinstance(one, ast.Attribute) and one is not node}
    for name, weight in seen.items():
        if name != node.attr:  # the same attribute of something else in the statement is what it is compared with
            weight *= 1.5 if name in nearby else UNREAD if place.words.spelled[name] == 1 else 1.0
            weight *= _familiar(node, place, name) * again
            yield _with_attribute(node, place, name, weight)


def _kinds_stored(node: ast.expr, place: Place) -> set[str]:
    """Types that what gets a statement's value may have had: those of the value, or None; empty when they aren't known,
    or nothing plain gets it."""
    statement = place.statement
    kinds = place.kind_of(statement.value) if isinstance(statement, ast.Assign) and node in statement.targets else set()
    return {*kinds, "NoneType"} if kinds else set()


def is_given_again(node: ast.Attribute, place: Place) -> bool:
    """Whether the function gives the same attribute of the same thing a value in several places."""
    every = ast.walk(place.function) if place.function is not None else ()
    alike = [one for one in every if isinstance(one, ast.Attribute) and one.attr == node.attr]
    stored = [one for one in alike if isinstance(one.ctx, ast.Store)]
    return sum(ast.dump(one.value) == ast.dump(node.value) for one in stored) > 1


def _is_called(node: ast.AST, place: Place) -> bool:
    parent = place.source.parents.get(node)
    return isinstance(parent, ast.Call) and parent.func is node


def attribute_dropped(node: ast.Attribute, place: Place) -> Iterator[Proposal]:
    """`x.next` to `x`."""
    if isinstance(node.ctx, ast.Load) and not _is_called(node, place):
        yield place.replace(node, place.text(node.value))


def attribute_repeated(node: ast.Attribute, place: Place) -> Iterator[Proposal]:
    """`x.next` to `x.next.next`, and to other attributes that things of this kind have."""
    parent = place.source.parents.get(node)
    if isinstance(node.ctx, ast.Load) and not _is_called(node, place) and not isinstance(parent, ast.Attribute):
        text = place.text(node)
        mine, base = place.kind(text), place.kind(place.text(node.value))
        if not mine or not base or mine & base:
            yield place.replace(node, f"{text}.{node.attr}", 1.0)
            for name in place.words.attributes.get(place.text(node.value), [])[:8]:
                if name != node.attr and name not in place.words.functions:
                    yield place.replace(node, f"{text}.{name}", 0.5)


def attribute_added(node: ast.Name, place: Place) -> Iterator[Proposal]:
    """`x` to `x.next`, for attributes this object has."""
    if not isinstance(node.ctx, ast.Load) or isinstance(place.source.parents.get(node), ast.Attribute):
        return
    known = {text.split(".", 1)[1] for text in place.kinds if text.startswith(node.id + ".")}
    known |= {name for name in place.words.attributes.get(node.id, []) if name not in place.words.functions}
    for name in sorted(known)[:20]:
        yield place.replace(node, f"{node.id}.{name}")


def other_function(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """Another function or method of the file that takes as many arguments."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    method = isinstance(node.func, ast.Attribute)
    if method and not (isinstance(node.func.value, ast.Name) and node.func.value.id in ("self", "cls")):  # type: ignore[attr-defined]
        return
    is_builtin = not method and name not in place.names and hasattr(builtins, name)
    if name not in place.words.functions and not is_builtin:
        return
    for other, function in place.words.functions.items():
        arity = len(function.args.args) - int(method)
        required = arity - len(function.args.defaults)
        owner = place.source.class_of(function)
        if (
            other != name
            and (owner is not None) == method
            and (required <= len(node.args) <= arity or function.args.vararg)
        ):
            is_unread = other.startswith("_") and not other.endswith("__") and place.words.spelled[other] == 1
            usual = _familiar(node.func, place, other) * (UNREAD if is_unread else 1.0)
            if method:
                yield _with_attribute(node.func, place, other, usual)
            elif owner is None and not node.keywords:
                yield place.replace(node.func, other, (0.4 if is_builtin else 1.0) * usual)


def other_exception(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """The wrong exception is raised or caught, or one more must be caught: those first that failing tests speak of."""
    clues = place.words.clues
    told = (*clues.raised,) if isinstance(node, ast.ExceptHandler) else (*clues.wanted, *clues.named)
    told = tuple(name for name in told if is_exception(name) and name != "AssertionError")
    idle = sorted(name for name in place.words.idle if is_exception(name))
    known = list(dict.fromkeys([*told, *idle, *place.words.exceptions, *USUAL_EXCEPTIONS]))
    if isinstance(node, ast.Raise) and node.exc is not None:
        target: ast.AST = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if isinstance(target, ast.Name) and is_exception(target.id):
            for name in known:
                if name != target.id:
                    yield place.replace(target, name, TOLD_WEIGHT if name in told else 0.8)
    elif isinstance(node, ast.ExceptHandler) and node.type is not None:
        parts = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        texts = [place.text(part) for part in parts]
        for name in known:
            if name not in texts:
                weight = TOLD_WEIGHT if name in told else 0.8
                yield place.replace(node.type, name, weight)
                yield place.replace(node.type, f"({', '.join([*texts, name])})", weight * 0.8)


USUAL_EXCEPTIONS = (
    "ValueError", "TypeError", "KeyError", "IndexError", "AttributeError", "StopIteration", "LookupError", "Exception",
)  # fmt: skip
AGAIN = 1.5  # of an attribute in place of one that gets its value in another line as well
UNREAD = 1.4  # of what stands in the file once: as a rule where it gets its meaning
MISFIT = 2.0  # of a number for something that can't be calculated with
TOLD_WEIGHT = 2.0  # of an exception that the failing tests speak of
TEMPLATES = [
    Template("similar name", 0.65, (ast.Name, ast.Attribute), similar_name),
    Template("other variable", 0.83, (ast.Name,), other_variable),
    Template("constant for a variable", 0.12, (ast.Name,), constant_for_variable),
    Template("names swapped", 0.2, (ast.Return, ast.Assign, ast.Expr, ast.If, ast.While, ast.AugAssign), swapped_names),
    Template("other target", 0.15, (ast.Name,), other_target),
    Template("other attribute", 0.58, (ast.Attribute,), other_attribute),
    Template("attribute dropped", 0.15, (ast.Attribute,), attribute_dropped),
    Template("attribute repeated", 0.2, (ast.Attribute,), attribute_repeated),
    Template("attribute added", 0.15, (ast.Name,), attribute_added),
    Template("other function", 0.45, (ast.Call,), other_function),
    Template("exception type", 0.3, (ast.Raise, ast.ExceptHandler), other_exception),
]
