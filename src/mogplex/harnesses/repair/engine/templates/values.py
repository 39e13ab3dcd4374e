"""What a name that has no value may be, with weights: as far as the code around it can tell."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Collection, Iterator

from ..likeness import WORD
from ..scope import Place
from ..source import FUNCTIONS

STARTS = {"append": "[]", "extend": "[]", "add": "set()", "appendleft": "deque()", "update": "{}", "setdefault": "{}"}
SIZES = {"n", "m", "size", "length", "count", "total", "width", "height"}
MAX_METHODS, LONGEST_VALUE = 24, 80
MAX_IDLE, MAX_NEAR = 3, 10
OF_SEVERAL, OF_ONE = 1.8, 1.6  # weights: what else gives two values when two are missing, and what gives one
SHORTEST_NAME = 3  # that says something as a part of another


def possible_values(target: str, name: str, node: ast.stmt, place: Place) -> Iterator[tuple[str, float]]:
    """(expression, weight) of each, for an assignment to `target`: the name that `node` reads, or a tuple with it."""
    for owner, key in _found_keys(node, place):
        yield f"{owner}[{key}]", 3.0
    yield from _assigned_elsewhere(target, place)
    yield from _assigned_alike(name, place)
    yield from _of_idle(target, place)
    if target != name:
        return
    yield from _starts(name, place)
    for method in _methods(place):  # where something is read nowhere, the value is sooner made of that
        yield f"self.{method}()", 2.0 if place.words.spelled[method] == 1 else 1.0 if place.idle else 1.7
    live = [one for one in place.names if place.is_live(one) and one != name]
    if f"self.{name}" in place.kinds or name in place.words.attributes.get("self", []):
        yield f"self.{name}", 2.0
    for one in live:
        if name in place.words.attributes.get(one, []):
            yield f"{one}.{name}", 1.5
        yield one, 0.4
        if name in SIZES or name.startswith(("n_", "num_", "len")) or name.endswith(("_len", "_length", "_size")):
            yield f"len({one})", 1.0
        if place.kind(one) & {"dict"}:
            yield f'{one}.get("{name}")', 0.6
            yield f'{one}["{name}"]', 0.6
        for verb in _verbs(name, place):
            yield f"{verb}({one})", 1.0


def _found_keys(node: ast.stmt, place: Place) -> Iterator[tuple[str, str]]:
    """(container, key) of the conditions around that have found the key to be in there."""
    inner: ast.AST = node
    for above in place.source.ancestors(node):
        if isinstance(above, FUNCTIONS):
            return
        if isinstance(above, ast.If) and inner in above.body:
            parts = above.test.values if isinstance(above.test, ast.BoolOp) else [above.test]
            for part in reversed(parts):
                if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.In):
                    yield place.text(part.comparators[0]), place.text(part.left)
        inner = above


def _assigned_elsewhere(target: str, place: Place) -> Iterator[tuple[str, float]]:
    """What the same target gets in other places of the file, if its names are in scope here."""
    known = {*place.names, *place.words.bound, "self", "cls"}
    for one in place.words.assigned.get(target, []):
        if len(one.targets) > 1 or place.text(one.targets[0]) != target:
            continue
        if one in place.source.block_of(place.statement)[0] and one.lineno > place.statement.lineno:
            continue  # it comes too late: the two change places
        text = place.text(one.value)
        used = {inner.id for inner in ast.walk(one.value) if isinstance(inner, ast.Name)}
        bound_inside = {
            inner.id for inner in ast.walk(one.value)
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
        }  # fmt: skip
        is_short = "\n" not in text and len(text) < LONGEST_VALUE
        if is_short and used - bound_inside <= known and target not in used:
            yield text, 2.0 if place.source.function_of(one) is place.function else 1.5


def _assigned_alike(name: str, place: Place) -> Iterator[tuple[str, float]]:
    """What a name that ends or begins alike gets, about what this one is named after: `key_utf8 = key.encode()` tells
    `text_utf8 = text.encode()`, and `width = box.get_width()` tells `height = box.get_height()`."""
    for other, assignments in place.words.assigned.items():
        for mine, theirs in _stems(name, other):
            if mine not in place.names and mine not in place.words.bound:
                continue
            for one in assignments:
                text = place.text(one.value)
                swapped = re.sub(rf"(?<![.\w]){re.escape(theirs)}\b", mine, text)
                if swapped != text and "\n" not in text and len(text) < LONGEST_VALUE:
                    yield swapped, 3.0
        for one in assignments if len(other) >= SHORTEST_NAME else []:
            text = place.text(one.value)
            swapped = text.replace(other, name).replace(_capital(other), _capital(name))
            if swapped != text and "\n" not in text and len(text) < LONGEST_VALUE:
                made = set(WORD.findall(swapped)) - set(WORD.findall(text))  # words that may stand nowhere else
                yield swapped, 2.5 if all(place.words.spelled[word] for word in made) else 1.2


def reads(text: str, names: Collection[str]) -> bool:
    """Whether an expression reads one of the names; what is no expression reads all."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return True
    return any(isinstance(one, ast.Name) and one.id in names for one in ast.walk(tree))


def _of_idle(target: str, place: Place) -> Iterator[tuple[str, float]]:
    """What calls make of something elsewhere in the file, made of a local name here that nothing reads: where a step is
    missing, so is the use of what it took. For `hours, minutes` only what gives two."""
    idle = [one for one in place.names if one in place.idle and place.is_live(one)][:MAX_IDLE]
    values = [
        one.value for other, assignments in place.words.assigned.items() if idle
        for one in assignments if other.count(",") == target.count(",")
    ]  # fmt: skip
    values.sort(key=lambda one: abs(one.lineno - place.statement.lineno))
    known = {*place.names, *place.words.bound, "self", "cls"}
    found: dict[str, float] = {}
    for call in values:
        taken = _taken_by(call)
        if taken is None or "\n" in (text := place.text(call)) or len(text) > LONGEST_VALUE:
            continue
        start, (first, last) = place.source.span(call)[0], place.source.span(taken)
        inside = set(ast.walk(taken))
        left = {one.id for one in ast.walk(call) if isinstance(one, ast.Name) and one not in inside}
        for one in idle if left <= known else ():
            found[f"{text[: first - start]}{one}{text[last - start :]}"] = OF_SEVERAL if "," in target else OF_ONE
        if len(found) >= MAX_NEAR:
            break
    yield from itertools.islice(found.items(), MAX_NEAR)


def _taken_by(call: ast.expr) -> ast.expr | None:
    """What a call is about: its first argument, or, where it has none, what its method is one of."""
    if not isinstance(call, ast.Call):
        return None
    if call.args:
        return None if isinstance(call.args[0], (ast.Starred, ast.GeneratorExp)) else call.args[0]
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _stems(one: str, other: str) -> Iterator[tuple[str, str]]:
    """What is left of two names without the part between underscores that both end or begin with."""
    for split in (str.partition, str.rpartition):
        (left, _, right), (their_left, _, their_right) = split(one, "_"), split(other, "_")
        if left and right and right == their_right and left != their_left:
            yield left, their_left
        elif left and right and left == their_left and right != their_right:
            yield right, their_right


def _starts(name: str, place: Place) -> Iterator[tuple[str, float]]:
    """What it begins as, by what the function does with it."""
    for one in ast.walk(place.function) if place.function is not None else []:
        if isinstance(one, ast.AugAssign) and getattr(one.target, "id", "") == name:
            is_text = isinstance(one.value, (ast.JoinedStr, ast.List)) or "str" in place.kind_of(one.value)
            yield ('""' if not isinstance(one.value, ast.List) else "[]") if is_text else "0", 2.0
        elif isinstance(one, ast.Attribute) and getattr(one.value, "id", "") == name and one.attr in STARTS:
            yield STARTS[one.attr], 2.0
        elif isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store) and getattr(one.value, "id", "") == name:
            yield "{}", 1.5
    for value, weight in (("None", 0.8), ("[]", 0.6), ("0", 0.6), ("False", 0.5), ("{}", 0.5), ('""', 0.5)):
        yield value, weight
    for value in ("True", "1", "()", "set()"):
        yield value, 0.3


def _methods(place: Place) -> list[str]:
    """Those of the class that are given nothing, its own left out, and what is a property."""
    owner = place.source.class_of(place.function) if place.function is not None else None
    return [
        one.name for one in (owner.body if owner is not None else ())
        if isinstance(one, FUNCTIONS) and one is not place.function and not one.name.startswith("__")
        and not one.decorator_list
        and len(one.args.args) - len(one.args.defaults) == 1 and one.args.args[0].arg == "self"
    ][:MAX_METHODS]  # fmt: skip


def _verbs(name: str, place: Place) -> list[str]:
    """Functions of the file whose names sound like it: `tokens = tokenize(…)`, `self._parse_header(…)`."""
    stem = name.rstrip("s")
    found = []
    for one, function in place.words.functions.items():
        if len(stem) > 2 and (stem in one or one.strip("_") in name) and function is not place.function:
            is_method = place.source.class_of(function) is not None
            found.append(f"self.{one}" if is_method else one)
    return found[:4]
