"""A missing guard: `if x is None: return …`, a statement that must not run always, a mutable default."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import SIZED, Place, Proposal
from ..source import FUNCTIONS, opening
from .block import insert_before, line_span, shifted, unit
from .logic import atoms
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
ASKED = 4.0  # the weight of a default that the function asks for
OVERWRITTEN, MAX_ASKED = 5.0, 3
NOTHING = 4.0  # of a question for None where failing tests died of one


def _returned_values(place: Place) -> list[str]:
    """What the function returns elsewhere, and the usual empty values."""
    values: list[str] = []
    for node in ast.walk(place.function) if place.function is not None else []:
        if isinstance(node, ast.Return) and node.value is not None:
            text = place.text(node.value)
            if len(text) < 40 and "\n" not in text and not isinstance(node.value, (ast.BinOp, ast.ListComp)):
                values.append(text)
    return list(dict.fromkeys([*values, "None", "[]", "0", "False", "True", '""', "{}", "()", "1"]))


def _in_loop(place: Place) -> bool:
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
    exits = [f"return {value}" for value in _returned_values(place)]
    if _in_loop(place):
        exits = ["continue", "break", *exits]
    is_first = node in place.function.body[:2]
    nothing = [(f"{name} is None", NOTHING) for name in _maybe_none(node, place)]
    for number, (atom, weight) in enumerate([*nothing, *atoms(place)[:MAX_ATOMS]]):
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
    span = line_span(place, node)
    if place.function is None or span is None or isinstance(node, ast.Return):
        return
    indent = place.source.indent_of(node)
    inner = shifted(place, node, indent, indent + unit(place))
    if inner is None:
        return
    for atom, weight in [*_own_conditions(node, place), *atoms(place)[:MAX_ATOMS]]:
        yield place.span_edit(span[0], span[1], f"{indent}if {atom}:{place.source.newline}{inner}", weight)


def _maybe_none(node: ast.stmt, place: Place) -> list[str]:
    """Names that a statement reads and that were None there, when failing tests died of such a thing."""
    if not place.words.clues.about_none:
        return []
    read = (one.id for one in place.nodes() if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load))
    return [name for name in dict.fromkeys(read) if "NoneType" in place.kind(name)]


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
    for name in _maybe_none(node, place):
        yield f"{name} is not None", NOTHING
    attributes = (one for one in ast.walk(node) if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load))
    called = {one.func for one in ast.walk(node) if isinstance(one, ast.Call)}
    for text in list(dict.fromkeys(place.text(one) for one in attributes if one not in called))[:MAX_ASKED]:
        yield f"{text} is not None", 1.0
        yield text, 0.8


def none_default(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`if x is None: x = …` before the first statements of a function."""
    if place.function is None or node not in place.function.body[:3]:
        return
    for name in place.names:
        kinds = place.kind(name)
        if "NoneType" in kinds or not kinds:
            others = [other for other in place.names if other != name and place.is_live(other)][:5]
            for value in ("[]", "{}", "0", '""', "()", "set()", "1", *others):
                proposal = insert_before(
                    place, [f"if {name} is None:", f"{unit(place)}{name} = {value}"], 1.0 if kinds else 0.3
                )
                if proposal is not None:
                    yield proposal
        if kinds & SIZED:
            proposal = insert_before(place, [f"{name} = list({name})"], 0.3)
            if proposal is not None:
                yield proposal


def mutable_default(node: ast.FunctionDef, place: Place) -> Iterator[Proposal]:
    """`def f(x=[])` to `def f(x=None)` with `if x is None: x = []` in the body."""
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(named[len(named) - len(arguments.defaults) :], arguments.defaults))
    pairs += [
        (one, default) for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults) if default is not None
    ]
    first = Place(place.source, opening(node), place.words, place.kinds)
    for argument, default in pairs:
        if isinstance(default, (ast.List, ast.Dict, ast.Set, ast.Call)):
            changed = place.replace(default, "None")
            value = place.text(default)
            guard = insert_before(first, [f"if {argument.arg} is None:", f"{unit(first)}{argument.arg} = {value}"], 1.0)
            if guard is not None:
                yield Proposal((*changed.edits, *guard.edits), 1.0)


def default_value(node: ast.FunctionDef, place: Place) -> Iterator[Proposal]:
    """Another default argument, None if the function asks for that; one where there is none."""
    positional = [*node.args.posonlyargs, *node.args.args]
    with_defaults = positional[len(positional) - len(node.args.defaults) :]
    for argument, default in [
        *zip(with_defaults, node.args.defaults),
        *zip(node.args.kwonlyargs, node.args.kw_defaults),
    ]:
        if default is not None:
            for text in ("None", "True", "False", "0", "1", "()", '""'):
                if text != place.text(default):
                    yield place.replace(
                        default, text, ASKED if text == "None" and _asks_for_none(node, argument.arg) else 1.0
                    )
    if node.args.args and not node.args.vararg and not node.args.kwonlyargs and not node.args.kwarg:
        count = len(node.args.args) - len(node.args.defaults)
        last = node.args.args[count - 1] if count else None
        if last is not None and last.arg not in ("self", "cls"):
            end = place.source.span(last)[1]
            for text in ("None", "0", "False", "True", '""', "()"):
                yield place.span_edit(end, end, f"={text}", 0.5)


def _asks_for_none(function: ast.FunctionDef, name: str) -> bool:
    """Whether it compares an argument with None: then that is mostly what is there when nothing is given."""
    return any(
        isinstance(one, ast.Compare)
        and isinstance(one.left, ast.Name)
        and one.left.id == name
        and isinstance(one.ops[0], (ast.Is, ast.IsNot))
        and isinstance(one.comparators[0], ast.Constant)
        and one.comparators[0].value is None
        for one in ast.walk(function)
    )


TEMPLATES = [
    Template("early exit", 0.14, SIMPLE, early_exit),
    Template("statement guarded", 0.1, SIMPLE, wrapped_in_if),
    Template("missing default", 0.2, SIMPLE, none_default),
    Template("mutable default", 1.2, (ast.FunctionDef, ast.AsyncFunctionDef), mutable_default),
    Template("default argument", 0.3, (ast.FunctionDef, ast.AsyncFunctionDef), default_value),
]
