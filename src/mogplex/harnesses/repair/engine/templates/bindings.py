"""How names and functions are bound: `nonlocal`, loop variables in lambdas, `await`, decorators, `super().__init__`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..neglect import bound_in
from ..scope import Place, Proposal
from ..source import FUNCTIONS, AnyFunction, argument_names, first_line, opening
from .block import insert_before, unit
from .template import Template

LOOPS = (ast.For, ast.AsyncFor)


def declared_outside(node: ast.Assign | ast.AugAssign | ast.AnnAssign, place: Place) -> Iterator[Proposal]:
    """`nonlocal x` or `global x` at the top of a function that assigns a name which its surroundings bind as well."""
    function = place.function
    if function is None:
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    first = Place(place.source, opening(function), place.words, place.kinds)
    around = place.source.function_of(function)
    outer = argument_names(around) | bound_in(around) if around is not None else set()
    for target in targets:
        if isinstance(target, ast.Name) and target.id not in argument_names(function):
            word = "nonlocal" if target.id in outer else "global" if target.id in place.words.globals else ""
            if word and (proposal := insert_before(first, [f"{word} {target.id}"], 1.0)) is not None:
                yield proposal


def bound_early(node: ast.Lambda, place: Place) -> Iterator[Proposal]:
    """`lambda x: x + n` to `lambda x, n=n: x + n` where `n` changes as a loop goes on."""
    if node.args.vararg or node.args.kwarg or node.args.kwonlyargs:
        return
    own = argument_names(node)
    read = {one.id for one in ast.walk(node.body) if isinstance(one, ast.Name)}
    changing: set[str] = set()
    parent = place.source.parents.get(node)
    while parent is not None and not isinstance(parent, FUNCTIONS):
        parts: list[ast.expr] = [parent.target] if isinstance(parent, LOOPS) else []
        parts += [part.target for part in getattr(parent, "generators", [])]
        changing |= {one.id for part in parts for one in ast.walk(part) if isinstance(one, ast.Name)}
        parent = place.source.parents.get(parent)
    body_start = place.source.span(node.body)[0]
    colon = place.source.text.rfind(":", place.source.span(node)[0], body_start)
    for name in sorted((read & changing) - own):
        yield place.span_edit(colon, colon, f"{', ' if own else ' '}{name}={name}")


def awaited(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """`f()` to `await f()` in a coroutine."""
    if not isinstance(place.function, ast.AsyncFunctionDef) or isinstance(place.source.parents.get(node), ast.Await):
        return
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    is_coroutine = isinstance(place.words.functions.get(name), ast.AsyncFunctionDef)
    yield place.replace(node, f"await {place.text(node)}", 1.0 if is_coroutine else 0.3)


def await_dropped(node: ast.Await, place: Place) -> Iterator[Proposal]:
    yield place.replace(node, place.text(node.value))


def parent_prepared(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`super().__init__(…)` at the top of an `__init__` that has none, with the arguments that the parent's takes; the
    same of another method that a parent in this file has."""
    function = place.function
    owner = place.source.class_of(function) if function is not None else None
    if function is None or owner is None or not owner.bases or node is not opening(function):
        return
    if any(isinstance(one, ast.Name) and one.id == "super" for one in ast.walk(function)):
        return
    parents = {place.text(base).split(".")[-1] for base in owner.bases}
    taken: list[str] | None = None
    for one in place.source.statements:
        if isinstance(one, FUNCTIONS) and one.name == function.name:
            above = place.source.class_of(one)
            if above is not None and above.name in parents:
                taken = [argument.arg for argument in one.args.args[1:]]
    if taken is None and function.name != "__init__":
        return
    own = [argument.arg for argument in function.args.args[1:]]
    shared = [name for name in taken or () if name in own]
    for given in dict.fromkeys((tuple(shared), (), tuple(own))):
        line = f"super().{function.name}({', '.join(given)})"
        if (proposal := insert_before(place, [line], 1.0)) is not None:
            yield proposal


def decorated(node: AnyFunction, place: Place) -> Iterator[Proposal]:
    """A decorator that a method's parameters ask for, or that its neighbours have; one taken away."""
    owner = place.source.class_of(node)
    own = [place.text(one) for one in node.decorator_list]
    every = [place.text(one) for other in _neighbours(node, place) for one in other.decorator_list]
    wanted: dict[str, float] = {}
    if owner is not None and not own:
        first = node.args.args[0].arg if node.args.args else ""
        if first not in ("self", "cls"):
            wanted["staticmethod"] = 2.0
        elif first == "cls":
            wanted["classmethod"] = 2.0
        elif len(node.args.args) == 1 and not node.args.vararg and not node.args.kwarg:
            wanted["property"] = 1.0
    for text in every:
        wanted.setdefault(text, 0.5)
    indent = place.source.indent_of(node)
    start = place.source.line_start(first_line(node))
    for text, weight in wanted.items():
        if text not in own and "\n" not in text:
            yield place.span_edit(start, start, f"{indent}@{text}{place.source.newline}", weight)
    for one in node.decorator_list:
        line = place.source.line_start(one.lineno)
        yield place.span_edit(line, place.source.line_start((one.end_lineno or one.lineno) + 1), "", 0.3, removes=True)


def own_for_each(node: ast.Assign, place: Place) -> Iterator[Proposal]:
    """A list or dict of the class, which all instances share, made anew in `__init__`."""
    owner = place.source.parents.get(node)
    if not isinstance(owner, ast.ClassDef) or not isinstance(node.value, (ast.List, ast.Dict, ast.Set)):
        return
    target = node.targets[0]
    if not isinstance(target, ast.Name) or len(node.targets) > 1:
        return
    line = f"self.{target.id} = {place.text(node.value)}"
    prepare = next((one for one in owner.body if isinstance(one, FUNCTIONS) and one.name == "__init__"), None)
    if prepare is not None:
        proposal = insert_before(Place(place.source, opening(prepare), place.words, place.kinds), [line], 1.0)
        if proposal is not None:
            yield proposal
    elif not owner.bases:
        start, end = place.source.span(node)
        indent = place.source.indent_of(node)
        body = f"{place.source.newline}{indent}{unit(place)}"
        yield place.span_edit(start, end, f"def __init__(self):{body}{line}")


def _neighbours(node: AnyFunction, place: Place) -> list[AnyFunction]:
    block, _ = place.source.block_of(node)
    return [one for one in block if isinstance(one, FUNCTIONS) and one is not node]


ASSIGNING = (ast.Assign, ast.AugAssign, ast.AnnAssign)
TEMPLATES = [
    Template("own for each", 0.5, (ast.Assign,), own_for_each),
    Template("declared outside", 0.4, ASSIGNING, declared_outside),
    Template("bound early", 0.5, (ast.Lambda,), bound_early),
    Template("await added", 0.3, (ast.Call,), awaited),
    Template("await dropped", 0.15, (ast.Await,), await_dropped),
    Template("parent prepared", 0.4, (ast.Assign, ast.AnnAssign, ast.Expr, ast.If, ast.For), parent_prepared),
    Template("decorator", 0.25, (ast.FunctionDef, ast.AsyncFunctionDef), decorated),
]
