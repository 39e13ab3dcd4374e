"""One-line statements that could be missing at a place, made after those that the function or class has elsewhere."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

from ..neglect import GROWING, LOOPS, bound_in
from ..scope import NUMBERS, SIZED, Place
from ..source import FUNCTIONS

CHANGING = (
    "pop",
    "popleft",
    "append",
    "add",
    "remove",
    "discard",
    "clear",
    "update",
    "extend",
    "insert",
    "close",
    "flush",
)
CHANGED = re.compile(r"(\w+)(?:\.(\w+)\(|\[[^=]*\] = | [-+*/|&]?= )")  # what a statement changes, and by which method
WORD = re.compile(r"(?<![.\w])[^\W\d]\w*")
MAX_KEYS = 6
MAPPINGS = {"dict", "defaultdict", "OrderedDict", "Counter"}


@functools.lru_cache(maxsize=64)  # several templates ask for the same place, one soon after the other
def missing_lines(place: Place) -> list[tuple[str, float]]:
    """One-line statements that could be missing here, with weights."""
    found: dict[str, float] = {}
    function = place.function
    if function is None:
        return []
    names = [name for name in place.names if place.is_live(name)]
    block, number = place.source.block_of(place.statement)
    near = block[max(0, number - 1) : number + 2]
    for node in ast.walk(function):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)):
            text = place.text(node)
            if "\n" not in text and len(text) < 80 and not text.startswith(('"', "'")):
                found.setdefault(text, 0.8)
                for variant in _renamed(node, place, names):
                    found.setdefault(variant, 0.4)
                if node in near:
                    for variant in _renamed_twice(node, place, names):
                        found.setdefault(variant, 0.3)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            text = place.text(node)  # a call inside an expression, alone: `stack.pop()`
            if "\n" not in text and len(text) < 60:
                found.setdefault(text, 0.5)
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
        for text, weight in _stored(place, names):
            found.setdefault(text, weight)
        for text, kinds in place.kinds.items():
            if text.startswith("self.") and kinds & {"int"}:
                found.setdefault(f"{text} += 1", 0.5)
                found.setdefault(f"{text} -= 1", 0.5)
            elif text.startswith("self.") and kinds & {"list", "dict", "set"}:
                found.setdefault(f"{text}.clear()", 0.2)
    for text, weight in [*updates(place, names), *_with_idle(place)]:
        found.setdefault(text, weight)
    return sorted((item for item in found.items() if item[1]), key=lambda item: -item[1])


def is_needed(line: str, place: Place) -> bool:
    """Whether a line changes something that the function otherwise only reads, or calls a method that nobody calls."""
    changed = CHANGED.match(line)
    if changed is None:
        return False
    name, method = changed.groups()
    if name == "self":
        is_private = bool(method) and method.startswith("_") and method in place.words.functions
        return is_private and place.words.spelled[method] == 1
    if name in place.neglect.ungrown:
        return method in GROWING or not method
    return name in place.neglect.unchanged and not method


def updates(place: Place, names: list[str]) -> Iterator[tuple[str, float]]:
    """Lines that bring a name up to date: begin again, go one further, note a flag, store under a key."""
    loop = next((above for above in place.source.ancestors(place.statement) if isinstance(above, LOOPS)), None)
    for name in names:
        kinds = place.kind(name)
        if loop is not None and name in place.neglect.starts:
            yield f"{name} = {place.text(place.neglect.starts[name])}", 0.3
        for attribute in place.words.attributes.get(name, []) if name != "self" else []:
            theirs = place.kind(f"{name}.{attribute}")
            if loop is not None and (kinds & theirs or (kinds and "NoneType" in theirs)):
                is_stuck = name not in bound_in(loop)
                yield f"{name} = {name}.{attribute}", 0.8 if is_stuck else 0.4
            if "bool" in theirs:
                yield f"{name}.{attribute} = True", 0.3
                yield f"{name}.{attribute} = False", 0.3
        for other in names:
            if other == name or not kinds or name == "self" or other == "self":
                continue
            unsure = "NoneType" in kinds | place.kind(other)
            if unsure or (name in place.neglect.unchanged and place.is_compatible(name, other) >= 0.5):
                yield f"{name} = {other}", 0.3
        if kinds & MAPPINGS:
            keys = [text for text in place.neglect.keys.get(name, []) if text not in names][:MAX_KEYS]
            keys += [one for one in names if one != name and not place.kind(one) & SIZED - {"str", "tuple"}][:MAX_KEYS]
            for key in keys:
                for value in [*[one for one in names if one not in (name, key)][:MAX_KEYS], "True"]:
                    yield f"{name}[{key}] = {value}", 0.3 if name in place.neglect.ungrown else 0.15


def _with_idle(place: Place) -> Iterator[tuple[str, float]]:
    """Lines that use a name which nothing reads as a key of what is in sight: `del self.data[oldest]`."""
    for name in sorted(place.idle):
        for text, kinds in place.kinds.items():
            if kinds & MAPPINGS and name != text:
                yield f"del {text}[{name}]", 0.9
                yield f"{text}.pop({name}, None)", 0.6
            elif kinds & {"set", "list"} and name != text:
                yield f"{text}.remove({name})", 0.6
                yield f"{text}.{'add' if 'set' in kinds else 'append'}({name})", 0.6


def _stored(place: Place, names: list[str]) -> Iterator[tuple[str, float]]:
    """`self.entries[key] = value`, for the first parameters of the method."""
    own = [name for name in names if name != "self"][:4]
    for text, kinds in place.kinds.items():
        if text.startswith("self.") and kinds & MAPPINGS:
            for key in own:
                for value in own:
                    if value != key:
                        yield f"{text}[{key}] = {value}", 0.4


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


def _renamed_twice(node: ast.stmt, place: Place, names: list[str]) -> Iterator[str]:
    """The same for something else: `out.extend(left[i:])` with two of its names exchanged for others everywhere."""
    text = place.text(node)
    used = list(dict.fromkeys(one.id for one in ast.walk(node) if isinstance(one, ast.Name) and one.id in names))
    others = [name for name in names if name not in used]
    fits = {
        one: [other for other in others if place.kind(one) and place.is_compatible(one, other) == 1.0] for one in used
    }
    for number, first in enumerate(used):
        for second in used[number + 1 :]:
            for one in fits[first][:4]:
                for other in fits[second][:4]:
                    if one != other:
                        yield WORD.sub(functools.partial(_exchanged, {first: one, second: other}), text)


def _exchanged(words: dict[str, str], word: re.Match[str]) -> str:
    return words.get(word.group(), word.group())


@functools.lru_cache(maxsize=16)
def _walked(owner: ast.ClassDef) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(owner))


def _method_calls(owner: ast.ClassDef, place: Place, names: list[str]) -> dict[str, float]:
    """Calls on self as other methods make them, and of methods that take nothing."""
    calls: dict[str, float] = {}
    for node in _walked(owner):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            text = place.text(node)
            used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            if text.startswith("self.") and "\n" not in text and len(text) < 80 and used <= set(names):
                calls.setdefault(text, 0.7)
                for variant in _with_other_texts(node, place):
                    calls.setdefault(variant, 0.5)
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            text = place.text(node)
            used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            if text.startswith("self.") and "\n" not in text and len(text) < 80 and used <= set(names):
                calls.setdefault(text, 0.5)
        elif isinstance(node, FUNCTIONS) and not node.name.startswith("__") and node is not place.function:
            needed = len(node.args.args) - len(node.args.defaults) - 1
            if needed == 0:
                calls.setdefault(f"self.{node.name}()", 0.5)
            elif needed == 1:
                for argument in [*[name for name in names if name != "self"][:5], "0", "None", "1"]:
                    calls.setdefault(f"self.{node.name}({argument})", 0.3)
    return calls


def _with_other_texts(node: ast.stmt, place: Place) -> Iterator[str]:
    """A statement with one of its texts exchanged for the function's own name, or for another text of the class."""
    if place.function is None:
        return
    start = place.source.span(node)[0]
    text = place.text(node)
    names = [place.function.name, *_texts_of(place.source.class_of(place.function) or node)]
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            left, right = (position - start for position in place.source.span(inner))
            for name in names:
                if name != inner.value:
                    yield f'{text[:left]}"{name}"{text[right:]}'


@functools.lru_cache(maxsize=256)  # asked for each statement of a class
def _texts_of(node: ast.AST) -> tuple[str, ...]:
    """The first texts in a piece of code that could be names."""
    texts = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return tuple(sorted(text for text in texts if text.isidentifier())[:5])


def _has_uncalled(place: Place) -> bool:
    """Whether the class has a private method that nothing mentions."""
    owner = place.source.class_of(place.statement)
    return owner is not None and any(
        isinstance(node, FUNCTIONS) and node.name.startswith("_") and place.words.spelled[node.name] == 1
        for node in owner.body
        if not getattr(node, "name", "").startswith("__")
    )


def needed_lines(place: Place) -> list[tuple[str, float]]:
    """Lines that bring something up to date which nothing else does; quickly none where nothing is neglected."""
    if not (place.neglect.unchanged or place.neglect.ungrown or _has_uncalled(place)):
        return []
    return [item for item in missing_lines(place) if is_needed(item[0], place)]
