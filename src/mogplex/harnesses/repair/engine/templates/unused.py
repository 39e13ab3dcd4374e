"""Names that a file imports, or has for itself, and never uses: one of them was probably meant somewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..idle import idle_functions, idle_methods
from ..scope import Place, Proposal
from ..source import AnyFunction, argument_names, names_stored
from ..vocabulary import is_exception
from .block import insert_after, insert_before, unit
from .guards import in_loop, under_conditions
from .sequences import clause_end
from .template import Template

MAX_UNUSED = 3  # a file with more of them is there for others to import from
MAX_NAMES = 4


def unused_step(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`url = complete(url, scheme)` before or after a statement that is about `url`."""
    if place.function is None or place.statement is place.function:
        return
    for name, function in _unused(place):
        for line, weight in _lines(name, function, place):
            before = insert_before(place, [line], weight)
            after = None if isinstance(node, (ast.Return, ast.Raise)) else insert_after(place, [line], weight)
            for proposal in (before, after):
                if proposal is not None:
                    yield proposal


def unused_wrapper(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`text` to `quote(text)`."""
    parent = place.source.parents.get(node)
    is_called = isinstance(parent, ast.Call) and parent.func is node
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or is_called or isinstance(parent, ast.Attribute):
        return
    for name, _ in _unused(place):
        yield place.replace(node, f"{name}({place.text(node)})")
        for other in sorted(place.idle)[:MAX_NAMES]:
            yield place.replace(node, f"{name}({place.text(node)}, {other})", 0.8)


def unused_name(node: ast.Name, place: Place) -> Iterator[Proposal]:
    """A name of the module that stands nowhere else, in place of another one."""
    if isinstance(node.ctx, ast.Load) and not is_exception(node.id):
        for name in sorted(place.words.idle):
            is_like = name[:1].isupper() == node.id[:1].isupper()
            yield place.replace(node, name, 1.0 if is_like else 0.3)


def unused_question(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`if is_hidden(path): continue` before a statement about `path`, or the statement only then."""
    asking = [name for name, function in _unused(place) if function is None or _takes_one(function)]
    if place.function is None or not asking:
        return
    nothing = "return None" if _gives(place.function, place) else "return"
    questions = [f"{name}({one})" for name in asking for one in _near(node, place)]
    asked = [*((one, 1.0) for one in questions), *((f"not {one}", 0.7) for one in questions)]
    for test, weight in asked:
        for leave in ("continue", nothing) if in_loop(place) else (nothing,):
            line = insert_before(place, [f"if {test}:", f"{unit(place)}{leave}"], weight)
            if line is not None:
                yield line
    yield from under_conditions(node, place, asked)


def unused_filter(node: ast.AST, place: Place) -> Iterator[Proposal]:
    """`[key for key in keys]` to `[key for key in keys if is_meant(key)]`."""
    generators: list[ast.comprehension] = getattr(node, "generators", [])
    asking = [name for name, function in _unused(place) if function is None or _takes_one(function)]
    asking += [name for name in sorted(place.idle) if place.kind(name) & CALLABLE and name not in asking]
    for part in generators if asking else []:
        end, word = clause_end(part, place)
        for name in [one.id for one in ast.walk(part.target) if isinstance(one, ast.Name)]:
            for asked in asking[:MAX_NAMES]:
                for question, weight in ((f"{asked}({name})", 1.0), (f"not {asked}({name})", 0.6)):
                    yield place.span_edit(end, end, f" {word} {question}", weight)


def _takes_one(function: AnyFunction) -> bool:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args) if one.arg not in ("self", "cls")]
    return len(names) - len(given.defaults) <= 1 <= len(names) and None not in given.kw_defaults


def _gives(function: AnyFunction, place: Place) -> bool:
    """Whether it returns something anywhere."""
    given = (one for one in ast.walk(function) if isinstance(one, ast.Return) and one.value is not None)
    return any(place.source.function_of(one) is function for one in given)


def _near(node: ast.stmt, place: Place) -> list[str]:
    """The names that the statement reads, and those that the one before it gives a value."""
    block, number = place.source.block_of(node)
    before = sorted(names_stored(block[number - 1])) if number else []
    read = [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]
    names = [one for one in dict.fromkeys([*before, *read]) if one in place.names and place.is_live(one)]
    return [one for one in names if one not in ("self", "cls")][:MAX_NAMES]


def _unused(place: Place) -> list[tuple[str, AnyFunction | None]]:
    """How they are called here, and what they are, if that is known: the module's, the private methods of the class
    that nothing mentions, and functions inside of this one or beside it."""
    words = place.words
    own: list[tuple[str, AnyFunction | None]] = []
    owner = place.source.class_of(place.statement)
    if owner is not None and "self" in place.names:
        methods = [one for one in idle_methods(owner, place.source) if one is not place.function]
        own = [(f"self.{one.name}", one) for one in methods if argument_names(one) & {"self"}]
    inner = [(one.name, one) for one in idle_functions(place.function, place.source)] if place.function else []
    of_module = [(name, words.functions.get(name)) for name in words.unused]
    return [*own[:MAX_UNUSED], *inner, *(of_module if len(of_module) <= MAX_UNUSED else [])]


def _lines(name: str, function: AnyFunction | None, place: Place) -> Iterator[tuple[str, float]]:
    near = [one.id for one in ast.walk(place.statement) if isinstance(one, ast.Name) and one.id in place.names]
    names = list(dict.fromkeys(one for one in near if place.is_live(one) and one not in ("self", "cls")))[:MAX_NAMES]
    if function is not None:
        given = [one.arg for one in function.args.args if one.arg != "self"]
        if all(one in place.names for one in given):
            if given:
                yield f"{given[0]} = {name}({', '.join(given)})", 1.0
            yield f"{name}({', '.join(given)})", 0.8
    for one in names:
        for more in [(), *((other,) for other in sorted(place.idle - {one})[:MAX_NAMES])]:
            yield f"{one} = {name}({', '.join([one, *more])})", 1.0 if more or not place.idle else 0.8
        yield f"{name}({one})", 0.4


SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.If, ast.For, ast.While, ast.With)
CALLABLE = {"function", "method", "builtin_function_or_method", "partial"}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
VALUES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.JoinedStr)
TEMPLATES = [
    Template("step with an unused function", 0.6, SIMPLE, unused_step),
    Template("unused name", 0.5, (ast.Name,), unused_name),
    Template("question with an unused function", 0.6, SIMPLE, unused_question),
    Template("filter with an unused function", 0.7, COMPREHENSIONS, unused_filter),
    Template("unused function around a value", 0.6, VALUES, unused_wrapper),
]
