"""A missing guard: `if x is None: return …`, a statement that must not run always."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import Place, Proposal
from ..source import FUNCTIONS
from .atoms import CHECKED, atoms
from .block import insert_before, line_span, shifted, unit
from .template import Template

SIMPLE = (
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Expr,
    ast.Return,
    ast.For,
    ast.If,
    ast.While,
    ast.Raise,
    ast.With,
)
MAX_ATOMS = 24
LOOKED_AHEAD = 2  # statements
KEYED = {"dict", "defaultdict", "OrderedDict", "Counter", "ChainMap"}
OVERWRITTEN, MAX_ASKED = 5.0, 3
FOUND, UNREAD, UNSET = 3.0, 3.0, 2.0
ASKED, MAX_ELSEWHERE = 1.5, 4  # for what the function asks elsewhere


def returned_values(place: Place) -> list[str]:
    """What the function returns elsewhere, and the usual empty values."""
    values: list[str] = []
    for node in ast.walk(place.function) if place.function is not None else []:
        if isinstance(node, ast.Return) and node.value is not None:
            text = place.text(node.value)
            if len(text) < 40 and "\n" not in text and not isinstance(node.value, (ast.BinOp, ast.ListComp)):
                values.append(text)
    return list(dict.fromkeys([*values, "None", "[]", "0", "False", "True", '""', "{}", "()", "1"]))


def in_loop(place: Place) -> bool:
    for above in place.source.ancestors(place.statement):
        if isinstance(above, (ast.For, ast.While)):
            return True
        if isinstance(above, FUNCTIONS):
            break
    return False


def early_exit(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`if atom: return value` (or `continue`, `break`) before the statement."""
    if place.function is None or isinstance(node, FUNCTIONS):
        return
    exits = [f"return {value}" for value in returned_values(place)]
    if in_loop(place):
        exits = ["continue", "break", *exits]
    is_first = node in place.function.body[:2]
    for number, (atom, weight) in enumerate(atoms(place)[:MAX_ATOMS]):
        for rank, leave in enumerate(exits):
            proposal = insert_before(
                place, [f"if {atom}:", f"{unit(place)}{leave}"], weight * (1.0 if is_first else 0.5) / (1 + 0.2 * rank)
            )
            if proposal is not None:
                yield proposal
        if number > 30:
            return
    for name in place.names:
        if place.is_live(name) and isinstance(place.statement, ast.Return):
            return


def wrapped_in_if(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`statement` to `if atom: statement`."""
    yield from under_conditions(node, place, [*_own_conditions(node, place), *atoms(place)[:MAX_ATOMS]])


def under_conditions(node: ast.stmt, place: Place, conditions: list[tuple[str, float]]) -> Iterator[Proposal]:
    """The statement under an `if` with each of the conditions."""
    span = line_span(place, node)
    if place.function is None or span is None or isinstance(node, ast.Return):
        return
    indent = place.source.indent_of(node)
    inner = shifted(place, node, indent, indent + unit(place))
    if inner is None:
        return
    for atom, weight in conditions:
        yield place.span_edit(span[0], span[1], f"{indent}if {atom}:{place.source.newline}{inner}", weight)


def _own_conditions(node: ast.stmt, place: Place) -> Iterator[tuple[str, float]]:
    """What a statement itself gives cause to ask: of an argument that it overwrites unread, whether one was given; of
    an attribute that it reads, whether there is one."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    if len(targets) == 1 and isinstance(targets[0], ast.Name) and place.function is not None:
        name, arguments = targets[0].id, place.function.args
        is_argument = name in {one.arg for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
        if is_argument and all(one.lineno > (node.end_lineno or node.lineno) for one in place.reads.get(name, [])):
            yield f"{name} is None", OVERWRITTEN
            yield f"not {name}", OVERWRITTEN * 0.6
    if len(targets) == 1 and isinstance(targets[0], ast.Attribute):
        yield f"{place.text(targets[0])} is None", UNSET
        yield f"not {place.text(targets[0])}", UNSET * 0.5
    kind = _put_into(node.value, place.text(targets[0]), place) if isinstance(node, ast.Assign) else ""
    if len(targets) == 1 and kind:
        yield f"not isinstance({place.text(targets[0])}, {kind})", OVERWRITTEN
    yield from ((text, ASKED) for text in _asked_elsewhere(node, place))
    yield from _missing_keys(node, place)
    yield from _just_found(node, place)
    for name in sorted(place.idle):
        if place.kind(name) == {"bool"}:
            yield name, UNREAD
    attributes = (one for one in ast.walk(node) if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load))
    called = {one.func for one in ast.walk(node) if isinstance(one, ast.Call)}
    for text in list(dict.fromkeys(place.text(one) for one in attributes if one not in called))[:MAX_ASKED]:
        yield f"{text} is not None", 1.0
        yield text, 0.8


def _put_into(value: ast.expr, name: str, place: Place) -> str:
    """The container that `x = [x]`, `x = (x,)` or `x = list(x)` makes of `x`; "" of any other value."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and len(value.args) == 1:
        is_type = value.func.id in CHECKED or value.func.id in place.words.classes
        return value.func.id if is_type and place.text(value.args[0]) == name else ""
    if not isinstance(value, (ast.List, ast.Tuple, ast.Set)) or [place.text(one) for one in value.elts] != [name]:
        return ""
    return type(value).__name__.lower()


def _asked_elsewhere(node: ast.stmt, place: Place) -> list[str]:
    """Plain conditions of the function, `flag` or `not self.flag`, that the statement does not stand under; of names
    that it may ask for."""
    around = {place.source.parents.get(node), *place.source.ancestors(node)}
    branches = (
        [one for one in ast.walk(place.function) if isinstance(one, ast.If)] if place.function is not None else []
    )
    found: dict[str, None] = {}
    for one in branches:
        inner = one.test.operand if isinstance(one.test, ast.UnaryOp) else one.test
        whole = inner.value if isinstance(inner, ast.Attribute) else inner
        if one not in around and one is not node and isinstance(whole, ast.Name) and whole.id in place.names:
            found[place.text(one.test)] = None
    return list(found)[:MAX_ELSEWHERE]


def _just_found(node: ast.stmt, place: Place) -> Iterator[tuple[str, float]]:
    """What the statement before has found out: `quoted = text[0] == '"'`."""
    block, number = place.source.block_of(node)
    before = block[number - 1] if number else None
    for target in before.targets if isinstance(before, ast.Assign) else []:
        if isinstance(target, ast.Name) and place.kind(target.id) <= {"bool", "NoneType", "Match"}:
            yield target.id, FOUND
            yield f"not {target.id}", FOUND * 0.5


def _missing_keys(node: ast.stmt, place: Place) -> Iterator[tuple[str, float]]:
    """For a statement that leaves, or may: whether there is no entry of those that the statements after it read."""
    if not isinstance(node, (ast.Raise, ast.Continue, ast.Break, ast.Expr)):
        return
    block, number = place.source.block_of(node)
    for later in block[number + 1 : number + 1 + LOOKED_AHEAD]:
        for one in ast.walk(later):
            if not isinstance(one, ast.Subscript) or not isinstance(one.ctx, ast.Load):
                continue
            if isinstance(one.value, (ast.Name, ast.Attribute)) and place.kind_of(one.value) & KEYED:
                key, owner = place.text(one.slice), place.text(one.value)
                yield f"{key} not in {owner}", 3.0
                yield f"{owner}.get({key}) is None", 2.0


TEMPLATES = [
    Template("early exit", 0.14, SIMPLE, early_exit),
    Template("statement guarded", 0.1, SIMPLE, wrapped_in_if),
]
