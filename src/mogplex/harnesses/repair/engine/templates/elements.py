"""Containers: an element, entry or keyword that a literal lacks, one list shared by many, values that overwrite."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..edit import quoted
from ..scope import Place, Proposal
from .template import Template

MAX_ADDED = 30
LONGEST_TEXT = 30


def element_added(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`("a", "b")` to `("a", "b", "c")`: another element of the same kind.

    Texts in another case come first, then what the failing tests speak of, then others of the file; attributes of the
    same object where the elements are such.
    """
    elements: list[ast.expr] = getattr(node, "elts", [])
    if not elements or isinstance(getattr(node, "ctx", None), ast.Store):
        return
    end = place.source.span(elements[-1])[1]
    present = {place.text(one) for one in elements}
    for text, weight in [*_constants_like(elements, place), *_attributes_like(elements, place)][:MAX_ADDED]:
        if text not in present:
            yield place.span_edit(end, end, f", {text}", weight)


def _constants_like(elements: list[ast.expr], place: Place) -> Iterator[tuple[str, float]]:
    values = [one.value for one in elements if isinstance(one, ast.Constant)]
    kinds = {type(value) for value in values}
    if len(values) < len(elements) or len(kinds) != 1 or not kinds <= {str, int}:
        return
    seen = set(values)
    if kinds == {str}:
        others = {value.swapcase(): 1.0 for value in values if isinstance(value, str)}
        short = max(len(str(value)) for value in values)
        said = [word for word in place.words.clues.words if len(word) <= short + 3]
        others.update({word: others.get(word, 0.9) for word in said})
        for text, weight in others.items():
            if text not in seen:
                yield quoted(text, place.text(elements[-1])), weight
    near = sorted(place.words.constants, key=lambda one: abs(one.lineno - elements[-1].lineno))
    for one in near[: 4 * MAX_ADDED]:
        if type(one.value) in kinds and one.value not in seen and len(str(one.value)) <= LONGEST_TEXT:
            seen.add(one.value)
            yield place.text(one), 0.5


def _attributes_like(elements: list[ast.expr], place: Place) -> Iterator[tuple[str, float]]:
    """`T.Name` where all elements are attributes of `T`, or of its attributes."""
    roots = {place.text(one).split(".")[0] for one in elements if isinstance(one, ast.Attribute)}
    if len(roots) != 1 or not all(isinstance(one, ast.Attribute) for one in elements):
        return
    root = roots.pop()
    for name in place.words.attributes.get(root, []):
        yield f"{root}.{name}", 1.0


def entry_like_others(node: ast.Dict, place: Place) -> Iterator[Proposal]:
    """`{"a": a}` to `{"a": a, "b": b}`, and the same of attributes: what nothing reads so far first."""
    pairs = [(key, value) for key, value in zip(node.keys, node.values) if isinstance(key, ast.Constant)]
    known = {str(key.value): place.text(value) for key, value in pairs}
    if not known:
        return
    end = place.source.span(node.values[-1])[1]
    for name, value, weight in _fields_like(known, place):
        yield place.span_edit(end, end, f", {quoted(name, place.text(pairs[-1][0]))}: {value}", weight)


def keyword_like_others(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """`f(a=a)` to `f(a=a, b=b)`, and `f(a=self.a)` to `f(a=self.a, b=self.b)`."""
    known = {one.arg: place.text(one.value) for one in node.keywords if one.arg is not None}
    if not known:
        return
    end = place.source.span(node.keywords[-1].value)[1]
    for name, value, weight in _fields_like(known, place):
        yield place.span_edit(end, end, f", {name}={value}", weight)


def _fields_like(known: dict[str, str], place: Place) -> Iterator[tuple[str, str, float]]:
    """(name, value, weight) of further fields whose value has the field's name, as that of a known one has."""
    roots = {text.rpartition(".")[0] for name, text in known.items() if text.rpartition(".")[2] == name}
    for root in sorted(roots):
        if root:
            names = [text.rpartition(".")[2] for text in place.kinds if text.rpartition(".")[0] == root]
            names += place.words.attributes.get(root, [])
        else:
            names = sorted(place.names, key=lambda one: one not in place.idle)
        fields = [name for name in dict.fromkeys(names) if name not in known and name not in ("self", "cls")]
        for name in fields[:MAX_ADDED]:
            is_idle = not root and name in place.idle
            yield name, f"{root}.{name}" if root else name, 1.0 if is_idle or root else 0.4


def shared_element(node: ast.BinOp, place: Place) -> Iterator[Proposal]:
    """`[[0] * w] * h` to `[[0] * w for _ in range(h)]`: each a list of its own."""
    pairs = ((node.left, node.right), (node.right, node.left))
    for made, count in pairs:
        if not isinstance(node.op, ast.Mult) or not isinstance(made, ast.List) or len(made.elts) != 1:
            continue
        if isinstance(made.elts[0], MUTABLE):
            yield place.replace(node, f"[{place.text(made.elts[0])} for _ in range({place.text(count)})]")


def collected(node: ast.Assign, place: Place) -> Iterator[Proposal]:
    """`d[k] = [x]` to `d.setdefault(k, []).append(x)`, and `d[k] = 1` to one more than there was."""
    target = node.targets[0]
    if len(node.targets) > 1 or not isinstance(target, ast.Subscript) or isinstance(target.slice, ast.Slice):
        return
    owner, key = place.text(target.value), place.text(target.slice)
    value = node.value
    if isinstance(value, (ast.List, ast.Set)) and len(value.elts) == 1:
        empty, verb = ("[]", "append") if isinstance(value, ast.List) else ("set()", "add")
        element = place.text(value.elts[0])
        yield place.span_edit(*place.source.span(node), f"{owner}.setdefault({key}, {empty}).{verb}({element})", 1.5)
    elif not isinstance(value, (ast.Dict, ast.List, ast.Set, ast.Constant)) or _is_number(value):
        text = place.text(value)
        yield place.span_edit(*place.source.span(node), f"{owner}[{key}] = {owner}.get({key}, 0) + {text}", 0.6)
        yield place.span_edit(*place.source.span(node), f"{owner}.setdefault({key}, {text})", 0.6)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)


MUTABLE = (ast.List, ast.Dict, ast.Set, ast.Call, ast.BinOp, ast.ListComp, ast.DictComp)
TEMPLATES = [
    Template("shared element", 0.5, (ast.BinOp,), shared_element),
    Template("collected", 0.3, (ast.Assign,), collected),
    Template("element added", 0.2, (ast.Tuple, ast.List, ast.Set), element_added),
    Template("entry added", 0.2, (ast.Dict,), entry_like_others),
    Template("keyword added", 0.2, (ast.Call,), keyword_like_others),
]
