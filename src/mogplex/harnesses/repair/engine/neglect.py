"""What a function seems to forget: names that it reads but never brings up to date."""

from __future__ import annotations

import ast
import functools
from collections import Counter
from dataclasses import dataclass, field
from typing import Optional

from .source import AnyFunction, Source

LOOPS = (ast.For, ast.AsyncFor, ast.While)
CONTAINERS = ("list", "dict", "set", "deque", "defaultdict", "OrderedDict", "Counter")
GROWING = ("append", "appendleft", "add", "extend", "insert", "update", "setdefault", "push", "put", "write")
# What these are given they only read.
READERS = {
    "len", "list", "set", "tuple", "dict", "sorted", "reversed", "enumerate", "zip", "any", "all", "min", "max", "sum",
    "iter", "next", "range", "str", "repr", "bool", "print", "isinstance", "frozenset", "map", "filter",
}  # fmt: skip
Bindings = dict[str, list[Optional[ast.expr]]]  # name -> what it is bound to, in order; None for what can't be told
STARTS = (0, 1, -1, "", None)  # True and False count as 1 and 0


@dataclass(frozen=True)
class Neglect:
    """`unchanged`: names that are never brought up to date although they seem to need it. `ungrown`: containers that
    are made and read, and never get anything. `starts`: name -> the constant or empty container that it begins as.
    `keys`: name of a container -> the texts of what is looked for in it."""

    unchanged: frozenset[str] = frozenset()
    ungrown: frozenset[str] = frozenset()
    starts: dict[str, ast.expr] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    @functools.lru_cache(maxsize=256)  # asked for each statement of a function
    def of(cls, function: AnyFunction, source: Source) -> Neglect:
        bound = _bindings(function)
        return cls(_unchanged(function, bound), _ungrown(function, bound), _starts(bound), _keys(function, source))


def _unchanged(function: AnyFunction, bound: Bindings) -> frozenset[str]:
    """Names that begin as 0, "", None or the like and stay so, and what a `while` waits for when nothing changes it."""
    has_loop = any(isinstance(node, LOOPS) for node in ast.walk(function))
    read = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    found = {
        name for name, values in bound.items()
        if has_loop and name in read and len(values) == 1 and isinstance(values[0], ast.Constant)
        and values[0].value in STARTS
    }  # fmt: skip
    for loop in ast.walk(function):
        if isinstance(loop, ast.While):
            waited = {node.id for node in ast.walk(loop.test) if isinstance(node, ast.Name)} - {"self", *READERS}
            if not any(_changes(node) & waited for one in loop.body for node in ast.walk(one)):
                found |= waited
    return frozenset(found)


def _ungrown(function: AnyFunction, bound: Bindings) -> frozenset[str]:
    """Containers that the function makes and reads, and never puts anything into."""
    made = {
        name for name, values in bound.items()
        if len(values) == 1 and values[0] is not None and _is_container(values[0])
    }  # fmt: skip
    grown = {name for node in ast.walk(function) for name in _grows(node)}
    return frozenset(made - grown)


def _starts(bound: Bindings) -> dict[str, ast.expr]:
    """Name -> the constant or empty container that it begins as."""
    first = {name: values[0] for name, values in bound.items()}
    return {
        name: value for name, value in first.items()
        if value is not None and (isinstance(value, ast.Constant) or _is_container(value))
    }  # fmt: skip


def _keys(function: AnyFunction, source: Source) -> dict[str, list[str]]:
    """Name of a container -> the texts of the keys that are looked for in it: `d[k]`, `k in d`, `d.get(k)`."""
    found: dict[str, dict[str, None]] = {}
    for node in ast.walk(function):
        key: ast.expr | None = None
        owner: ast.expr | None = None
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            owner, key = node.value, node.slice
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            owner, key = node.comparators[0], node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            owner, key = (node.func.value, node.args[0]) if node.func.attr == "get" else (None, None)
        if isinstance(owner, ast.Name) and key is not None:
            found.setdefault(owner.id, {})[source.segment(key)] = None
    return {name: list(texts) for name, texts in found.items()}


def _bindings(function: AnyFunction) -> Bindings:
    """Name -> what it is bound to, in order; None for what can't be told."""
    told: dict[str, list[ast.expr | None]] = {}
    stores = Counter(node.id for node in ast.walk(function) if isinstance(node, ast.Name) and _is_store(node))
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name, value in _pairs(target, node.value):
                    told.setdefault(name, []).append(value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            told.setdefault(node.target.id, []).append(node.value)
    return {name: values + [None] * (stores[name] - len(values)) for name, values in told.items()}


def bound_in(node: ast.AST) -> set[str]:
    """Names that a piece of code binds."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and _is_store(one)}


def _is_store(node: ast.Name) -> bool:
    return not isinstance(node.ctx, ast.Load)


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr | None]]:
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return [pair for one, other in zip(target.elts, value.elts) for pair in _pairs(one, other)]
    return []


def _is_container(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in CONTAINERS
    return isinstance(node, (ast.List, ast.Dict, ast.Set))


def _grows(node: ast.AST) -> list[str]:
    """Names of containers that a node may put something into: by a method, an index, `+=`, or a call that gets them."""
    if isinstance(node, ast.Call):
        is_reader = isinstance(node.func, ast.Name) and node.func.id in READERS
        given = [] if is_reader else [one.id for one in node.args if isinstance(one, ast.Name)]
        if isinstance(node.func, ast.Attribute) and node.func.attr in GROWING and isinstance(node.func.value, ast.Name):
            given.append(node.func.value.id)
        return given
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
        return [node.value.id]
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _changes(node: ast.AST) -> set[str]:
    """Names that a node binds anew, or whose object it may change."""
    if isinstance(node, ast.Name) and _is_store(node):
        return {node.id}
    if isinstance(node, ast.Call):
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        return {one.id for one in [*node.args, receiver] if isinstance(one, ast.Name)}
    if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
        owner = node.value
        while isinstance(owner, (ast.Attribute, ast.Subscript)):
            owner = owner.value
        return {owner.id} if isinstance(owner, ast.Name) else set()
    return set()
