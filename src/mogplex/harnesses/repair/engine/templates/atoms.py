"""Simple conditions over what is in scope at a place: what a guard may ask, and a condition may be extended by."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import NUMBERS, SIZED, Place

MAX_ATOMS = 40
MAX_SENTINELS = 3
UNCALLED, CALLED = 1.2, 0.4  # the weight of asking a function that the file calls nowhere, and another one
MAX_ASKING = 4
LACKED = 2.0  # the weight of asking for an attribute that failing tests found to be missing
READ = (ast.Name, ast.Attribute)
CHECKED = {"str", "bytes", "list", "tuple", "dict", "set", "int", "float", "bool"}
UNASKED = {"function", "type", "module", "method", "builtin_function_or_method"}
Atoms = Iterator[tuple[str, float]]  # conditions and their weights; of two weights for one condition the first counts


def atoms(place: Place) -> list[tuple[str, float]]:
    """The likeliest conditions, with weights."""
    names = [name for name in place.names if place.is_live(name)][:12]
    used = {node.id for node in ast.walk(place.statement) if isinstance(node, ast.Name)}
    asked = sorted(used & set(names) - {"self", "cls"})
    found: dict[str, float] = {}
    for name in names:
        for text, weight in _of_name(name, place, name in used):
            found.setdefault(text, weight)
    told = (_of_expressions(place), _of_types(asked, place), _of_parts(asked, place), _of_functions(asked, place))
    for source in (*told, _pairs(place, names)):
        for text, weight in source:
            found.setdefault(text, weight)
    return sorted(found.items(), key=lambda item: -item[1])[:MAX_ATOMS]


def whole_reads(node: ast.AST) -> list[ast.expr]:
    """The names and attributes that a piece of code reads: no parts of others, and nothing that is called."""
    every = [one for one in ast.walk(node) if isinstance(one, (ast.Name, ast.Attribute))]
    parts = {one.value for one in every if isinstance(one, ast.Attribute)}
    called = {one.func for one in ast.walk(node) if isinstance(one, ast.Call)}
    return [one for one in every if one not in parts and one not in called and isinstance(one.ctx, ast.Load)]


def maybe_none(place: Place) -> list[str]:
    """What the statement reads (names, attributes) that was None there, when failing tests died of such a thing."""
    if not place.words.clues.about_none:
        return []
    read = (place.text(one) for one in place.nodes() if isinstance(one, READ) and isinstance(one.ctx, ast.Load))
    return [text for text in dict.fromkeys(read) if "NoneType" in place.kind(text)]


def _of_name(name: str, place: Place, is_used: bool) -> Atoms:
    """Its truth, whether it is None or has what one like it was found to lack, and what numbers and lengths are
    compared with."""
    near = 1.0 if is_used else 0.5
    kinds = place.kind(name)
    for owner, attribute in sorted(place.words.clues.lacking):
        if owner in kinds:
            yield f"hasattr({name}, {attribute!r})", LACKED
            yield f"not hasattr({name}, {attribute!r})", LACKED * 0.8
    if kinds and kinds <= UNASKED:
        return
    yield name, 0.7 * near
    yield f"not {name}", 1.0 * near
    if not kinds or "NoneType" in kinds:
        sure = 1.5 if kinds else 1.0
        yield f"{name} is None", sure * near
        yield f"{name} is not None", sure * near
    if kinds & NUMBERS - {"bool"} or not kinds:
        for text, weight in (("== 0", 0.8), ("< 0", 0.8), ("> 0", 0.6), ("== 1", 0.5), ("> 1", 0.5), (">= 0", 0.4)):
            yield f"{name} {text}", weight * near
    if kinds & SIZED:
        yield f"len({name}) > 1", 0.5 * near
        yield f"len({name}) == 1", 0.5 * near
        yield f"len({name}) < 2", 0.4 * near
    if (kinds & SIZED or not kinds) and is_used:
        for length in place.lengths:
            for operator, weight in (("!=", 0.6), ("==", 0.5), ("<", 0.4), (">", 0.4)):
                yield f"len({name}) {operator} {length}", weight


def _of_expressions(place: Place) -> Atoms:
    """Conditions that the function asks elsewhere, and attributes that it reads."""
    block, number = place.source.block_of(place.statement)
    around = " ".join(place.text(one) for one in block[max(0, number - 1) : number + 2])
    for node in place.expressions:
        text = place.text(node)
        if isinstance(node, (ast.Compare, ast.UnaryOp)) and place.kind_of(node) == {"bool"}:
            yield text, 0.8
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            yield text, 0.7
        elif isinstance(node, ast.Attribute) and "NoneType" in place.kind(text) | {""}:
            yield f"{text} is None", 0.8
            yield f"{text} is not None", 0.7
        elif isinstance(node, ast.Attribute):
            near = 0.8 if text in around else 0.4
            yield text, near
            yield f"not {text}", near


def _of_types(names: list[str], place: Place) -> Atoms:
    """Whether a name is of a type that it has been seen with."""
    for name in names:
        for kind in sorted(place.kind(name) & (CHECKED | place.words.classes)):
            sure = 1.0 if place.clash else 0.4 if len(place.kind(name)) > 1 else 0.2
            yield f"isinstance({name}, {kind})", sure
            yield f"not isinstance({name}, {kind})", sure


def _of_parts(names: list[str], place: Place) -> Atoms:
    """Attributes of names, and the file's constants that names may be."""
    for name in names:
        for attribute in place.words.attributes.get(name, [])[:6]:
            if attribute not in place.words.functions:
                yield f"{name}.{attribute}", 0.4
                yield f"not {name}.{attribute}", 0.3
    read = [one for one in place.reads if one.isupper() and one in place.words.globals][:MAX_SENTINELS]
    unread = [one for one in sorted(place.words.idle) if one in place.words.globals]
    for one in dict.fromkeys([*unread, *read]):
        for name in names:
            yield f"{name} is {one}", 0.8
            yield f"{name} is not {one}", 0.6
            yield f"{name} == {one}", 0.6
            yield f"{name} in {one}", 0.4


def _of_functions(names: list[str], place: Place) -> Atoms:
    """What the file's functions tell of names: those first that nothing calls."""
    own = place.function.name if place.function is not None else ""
    asking = sorted(place.words.asking, key=lambda verb: not place.words.is_uncalled(verb))
    for verb in [verb for verb in asking if verb != own][:MAX_ASKING]:
        weight = UNCALLED if place.words.is_uncalled(verb) else CALLED
        for name in names:
            yield f"not {verb}({name})", weight
            yield f"{verb}({name})", weight


def _pairs(place: Place, names: list[str]) -> Atoms:
    """Comparisons of a number with one of `self`, and of two names of the same type, as `low <= high`."""
    for name in names:
        for attribute, kinds in place.kinds.items():
            if attribute.startswith("self.") and kinds & NUMBERS - {"bool"} and place.kind(name) & NUMBERS - {"bool"}:
                for operator, weight in ((">", 0.4), ("<", 0.4), (">=", 0.3), ("==", 0.3)):
                    yield f"{name} {operator} {attribute}", weight
    used = {node.id for node in ast.walk(place.statement) if isinstance(node, ast.Name)}
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            if place.kind(one) and place.is_compatible(one, other) == 1.0 and (one in used or other in used):
                yield f"{one} == {other}", 0.5
                yield f"{one} != {other}", 0.5
                if not place.kind(one) & NUMBERS:
                    yield f"{one} is {other}", 0.4
                    yield f"{one} is not {other}", 0.4
                if place.kind(one) & NUMBERS:
                    yield f"{one} < {other}", 0.4
                    yield f"{one} > {other}", 0.4
                    yield f"{one} <= {other}", 0.3
                    yield f"{one} >= {other}", 0.3
                if place.kind(one) & SIZED:
                    yield f"{one} in {other}", 0.3
                    yield f"{one} not in {other}", 0.3
