"""Wrong slices, indexes, orders of elements, and comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import SEQUENCES, SIZED, Place, Proposal
from .template import Template

MAX_TEXTS, MAX_ATTRIBUTES = 16, 6
OF_VALUES = ((" == 1", 1.0), ("", 1.0), (" > 1", 0.8))  # what may be asked of what a mapping has
HOLDING = {"list", "tuple", "set", "frozenset", "dict", "deque", "defaultdict", "OrderedDict", "Counter", "dict_keys"}
BY_KEY = {"dict", "defaultdict", "OrderedDict", "Counter"}


def slice_bounds(node: ast.Slice, place: Place) -> Iterator[Proposal]:
    """`[a:b]` to `[a:]`, `[:b]`, `[b:a]`; `[a:]` to `[:a]`, `[1:]` to `[:-1]`; a step of -1 added or dropped."""
    lower = place.text(node.lower) if node.lower else ""
    upper = place.text(node.upper) if node.upper else ""
    step = place.text(node.step) if node.step else ""
    variants: list[tuple[str, str, str, float]] = [(upper, lower, step, 1.0)]
    if lower:
        variants.append(("", upper, step, 0.7))
    if upper:
        variants.append((lower, "", step, 0.7))
    if step:
        variants += [(lower, upper, "", 0.6), (lower, upper, step[1:] if step[0] == "-" else f"-{step}", 0.6)]
    else:
        variants += [(lower, upper, "-1", 0.5), (lower, upper, "2", 0.3)]
    if lower.strip("0").isdigit() and not upper:
        variants.append(("", f"-{lower}", step, 1.0))
    if upper[:1] == "-" and upper[1:].strip("0").isdigit() and not lower:
        variants.append((upper[1:], "", step, 1.0))
    if not lower:
        variants += [("1", upper, step, 0.8)]
    if not upper:
        variants += [(lower, "-1", step, 0.8)]
    names = [name for name in place.names if place.is_live(name) and place.kind(name) & {"int"}]
    for name in names:
        if not lower:
            variants.append((name, upper, step, 0.5))
        if not upper:
            variants += [(lower, name, step, 0.5), (lower, f"{name} + 1", step, 0.3)]
    start, end = place.source.span(node)
    for low, high, stride, weight in variants:
        if (low, high, stride) != (lower, upper, step):
            yield place.span_edit(start, end, f"{low}:{high}" + (f":{stride}" if stride else ""), weight)


def index(node: ast.Subscript, place: Place) -> Iterator[Proposal]:
    """`a[i][j]` to `a[j][i]`; `a[0]` to `a[-1]`, `a[1]`, `a`; `a[i]` to `a[:i]` and `a[i:]`."""
    if isinstance(node.slice, ast.Slice):
        if isinstance(node.ctx, ast.Load):
            yield place.replace(node, place.text(node.value), 1.0, removes=True)
        return
    if isinstance(node.value, ast.Subscript) and not isinstance(node.value.slice, ast.Slice):
        yield place.swap(node.slice, node.value.slice)
    if isinstance(node.ctx, ast.Load):
        key = place.text(node.slice)
        if place.may_be(node.value, SEQUENCES):
            for text, weight in (
                (f"-{key}" if key.isdigit() else f"-{key} - 1", 0.5),
                (f":{key}", 0.25),
                (f"{key}:", 0.25),
            ):
                yield place.replace(node.slice, text, weight)
        yield place.replace(node, place.text(node.value), 0.4)


def element_order(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """Two elements of a tuple or list swapped."""
    elements: list[ast.expr] = getattr(node, "elts", [])
    for number, one in enumerate(elements[:6]):
        for other in elements[number + 1 : 6]:
            yield place.swap(one, other, 1.0 if elements.index(other) == number + 1 else 0.6)
    if (
        isinstance(getattr(node, "ctx", None), ast.Load)
        and isinstance(node, (ast.List, ast.Tuple))
        and len(elements) > 1
    ):
        opening, closing = ("[", "]") if isinstance(node, ast.List) else ("(", ")")
        for number in range(len(elements[:6])):
            rest = [place.text(one) for index, one in enumerate(elements) if index != number]
            comma = "," if len(rest) == 1 and opening == "(" else ""
            yield place.replace(node, f"{opening}{', '.join(rest)}{comma}{closing}", 0.2)


def comprehension_element(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """The element of a comprehension is another of its variables; the condition dropped."""
    generators: list[ast.comprehension] = getattr(node, "generators", [])
    names = [one.id for part in generators for one in ast.walk(part.target) if isinstance(one, ast.Name)]
    element = getattr(node, "elt", None)
    if element is not None:
        for name in names:
            yield place.replace(element, name, 0.6)
    if isinstance(node, ast.DictComp):
        yield place.swap(node.key, node.value)
    for part in generators:
        if part.ifs:
            end = place.source.span(part.iter)[1]
            yield place.span_edit(end, place.source.span(part.ifs[-1])[1], "", 0.5, removes=True)


def filter_added(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`[f(x) for x in xs]` to `[f(x) for x in xs if x]`, or with a condition like those of other comprehensions."""
    generators: list[ast.comprehension] = getattr(node, "generators", [])
    for part in generators:
        names = [one.id for one in ast.walk(part.target) if isinstance(one, ast.Name)]
        found: dict[str, float] = {}
        for name in names:
            found.update({name: 1.0, f"{name} is not None": 0.8, f"not {name}": 0.3, f"{name} != 0": 0.3})
            others = [one for one in place.names if one not in names and place.is_live(one)]
            for other in sorted(others, key=lambda one: one not in place.idle)[:8]:
                kinds = place.kind(other)
                inside = 0.5 if not kinds else 1.2 if kinds & HOLDING else 0.3 if kinds & SIZED else 0.0
                alike = 0.15 if kinds & HOLDING else 0.5
                found.update({f"{name} not in {other}": inside, f"{name} in {other}": inside * 0.8})
                found.update({f"{name} != {other}": alike, f"{name} == {other}": alike * 0.6})
                found.update({f"{name} < {other}": alike * 0.4, f"{name} > {other}": alike * 0.4})
                if other in place.idle and kinds & BY_KEY:
                    found.update({f"{other}[{name}]{rest}": weight for rest, weight in OF_VALUES})
            found.update(_by_attribute(name, others, place))
        found.update(_by_all_idle(names, place))
        for one in place.words.filters:
            text = place.text(one)
            if len(text) < 60 and "\n" not in text:
                found.setdefault(text, 0.4)
            for variant in _with_other_text(one, place) if names else ():
                found.setdefault(variant, 0.3)
        for other_expression in place.expressions:
            if isinstance(other_expression, ast.Compare):
                found.setdefault(place.text(other_expression), 0.4)
        end, word = clause_end(part, place)
        for text, weight in found.items():
            if not weight:
                continue
            text = f"({text})" if word == "and" and " or " in text else text
            yield place.span_edit(end, end, f" {word} {text}", weight * (0.5 if part.ifs else 1.0))


def clause_end(part: ast.comprehension, place: Place) -> tuple[int, str]:
    """Where one more condition of a comprehension goes, and the word before it: another `if` after what binds weaker
    than `and`."""
    last = part.ifs[-1] if part.ifs else part.iter
    start, end = place.source.span(last)
    text = place.source.text
    before = text[:start].rstrip()
    if before.endswith("(") and before[:-1].rstrip().endswith((" in", " if")) and text[end:].lstrip().startswith(")"):
        return text.index(")", end) + 1, "and" if part.ifs else "if"
    is_weak = isinstance(last, (ast.IfExp, ast.Lambda)) or (
        isinstance(last, ast.BoolOp) and isinstance(last.op, ast.Or)
    )
    return end, "and" if part.ifs and not is_weak else "if"


def _by_all_idle(names: list[str], place: Place) -> Iterator[tuple[str, float]]:
    """`n != name or v != value`: each with one of as many names that nothing reads."""
    idle = [one for one in place.names if one in place.idle and place.is_live(one)]
    if len(idle) == len(names) > 1:
        for symbol, word in (("!=", "or"), ("!=", "and"), ("==", "and"), ("==", "or")):
            yield f" {word} ".join(f"{one} {symbol} {other}" for one, other in zip(names, idle)), 0.6


def _by_attribute(name: str, others: list[str], place: Place) -> Iterator[tuple[str, float]]:
    """What may be asked of the attributes that the file reads of things of that name, or of others."""
    for attribute in place.words.attributes.get(name, [])[:MAX_ATTRIBUTES]:
        if attribute in place.words.functions:
            continue
        text = f"{name}.{attribute}"
        yield from ((text, 0.5), (f"not {text}", 0.4))
        for other in sorted(others, key=lambda one: one not in place.idle)[:MAX_ATTRIBUTES]:
            near = 1.0 if _is_part(other, attribute) else 0.4
            if _is_part(other, attribute) and other != attribute:
                yield from ((f"{other} not in {text}", near), (f"{other} in {text}", near))
            yield from ((f"{text} == {other}", near * 0.8), (f"{text} != {other}", near * 0.8))


def _is_part(one: str, other: str) -> bool:
    """Whether a name may be one of what another is the plural of, or the same: `tag` of `tags`."""
    return other.lower().rstrip("s").endswith(one.lower().rstrip("s"))


def _with_other_text(node: ast.expr, place: Place) -> list[str]:
    """A comparison with a text, with others of the file in its place: the nearest first."""
    value = node.comparators[0] if isinstance(node, ast.Compare) else None
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        return []
    near = sorted(place.words.constants, key=lambda one: abs(one.lineno - place.statement.lineno))
    texts = [place.text(one) for one in near if isinstance(one.value, str) and one.value.isidentifier()]
    head, mine = place.text(node), place.text(value)
    return [head[: -len(mine)] + text for text in dict.fromkeys(texts) if text != mine and head.endswith(mine)][
        :MAX_TEXTS
    ]


def yield_kind(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`yield` and `yield from`."""
    start, end = place.source.span(node)
    if isinstance(node, ast.Yield) and node.value is not None:
        yield place.span_edit(start, start + len("yield"), "yield from")
    elif isinstance(node, ast.YieldFrom):
        yield place.span_edit(start, end, f"yield {place.text(node.value)}")


TEMPLATES = [
    Template("slice bounds", 0.5, (ast.Slice,), slice_bounds),
    Template("index", 0.35, (ast.Subscript,), index),
    Template("elements swapped", 0.35, (ast.Tuple, ast.List), element_order),
    Template("comprehension", 0.25, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), comprehension_element),
    Template("filter added", 0.2, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), filter_added),
    Template("yield from", 0.7, (ast.Yield, ast.YieldFrom), yield_kind),
]
