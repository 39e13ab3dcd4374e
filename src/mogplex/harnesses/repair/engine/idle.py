"""What gets a meaning and is never read: it was probably meant somewhere."""

from __future__ import annotations

import ast
import functools
from collections import Counter

from .likeness import WORD
from .source import FUNCTIONS, AnyFunction, Source

MAX_IDLE = 3  # of a module or a class: one with more of them is there for others to read from


def idle_names(function: AnyFunction) -> set[str]:
    """Arguments and local names that nothing in the function reads."""
    bound = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    read: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            (bound if isinstance(node.ctx, ast.Store) else read).add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            read.update(node.names)  # by others
    return {name for name in bound - read if not name.startswith("_")} - {"self", "cls"}


@functools.lru_cache(maxsize=32)
def idle_globals(source: Source) -> frozenset[str]:
    """Names that the module imports from others or defines as constants, and that its text has no second time; none
    when there are many, for others to import from here."""
    if source.path.endswith("__init__.py"):
        return frozenset()
    names = set(imported_names(source))
    for one in source.tree.body:
        names |= {name for name in assigned_names(one) if name.isupper() or name.startswith("_")}
    found = {name for name in names if word_counts(source)[name] == 1 and not name.startswith("__")}
    return frozenset(found if len(found) <= MAX_IDLE else ())


@functools.lru_cache(maxsize=32)
def imported_names(source: Source) -> frozenset[str]:
    """What the module imports from others by name, for itself: not what is about types only, or for others."""
    found: set[str] = set()
    for one in source.tree.body:
        if isinstance(one, ast.ImportFrom) and one.module not in ("__future__", "typing", "collections.abc"):
            found |= {alias.asname or alias.name for alias in one.names if alias.asname != alias.name}
    return frozenset(found)


@functools.lru_cache(maxsize=64)
def idle_attributes(owner: ast.ClassDef, source: Source) -> frozenset[str]:
    """Those that the class's methods give `self` and that the file never mentions again; of attributes that others may
    read none when there are many."""
    times, stores = word_counts(source), Counter[str]()
    for node in ast.walk(owner):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            stores[node.attr] += getattr(node.value, "id", "") == "self"
    found = {name for name, number in stores.items() if times[name] == number}
    return frozenset(name for name in found if name.startswith("_") or len(found) <= MAX_IDLE)


def idle_members(owner: ast.ClassDef, source: Source) -> frozenset[str]:
    """The names of those attributes, and of the private methods that nothing mentions."""
    return idle_attributes(owner, source) | {one.name for one in idle_methods(owner, source)}


def idle_methods(owner: ast.ClassDef, source: Source) -> list[AnyFunction]:
    """Private methods of the class that the file never mentions again."""
    times = word_counts(source)
    plain = (one for one in owner.body if isinstance(one, FUNCTIONS) and not one.decorator_list)
    return [
        one for one in plain if one.name.startswith("_") and not one.name.endswith("__") and times[one.name] == 1
    ]  # fmt: skip


@functools.lru_cache(maxsize=64)
def idle_functions(function: AnyFunction, source: Source) -> tuple[AnyFunction, ...]:
    """Those defined in the function, or in one around it, that nothing there calls or hands on."""
    around = [function, *(one for one in source.ancestors(function) if isinstance(one, FUNCTIONS))]
    outer = around[-1]
    read = {one.id for one in ast.walk(outer) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    inner = (one for one in ast.walk(outer) if isinstance(one, FUNCTIONS) and source.function_of(one) in around)
    plain = [one for one in inner if not one.decorator_list and source.class_of(one) is source.class_of(outer)]
    found = {one.name: one for one in plain if one.name not in read and one is not function}
    return tuple(found.values()) if len(found) <= MAX_IDLE else ()


def assigned_names(statement: ast.stmt) -> list[str]:
    """The plain names that an assignment gives a meaning; none of any other statement."""
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    is_plain = isinstance(statement, (ast.Assign, ast.AnnAssign))
    return [target.id for target in targets if isinstance(target, ast.Name)] if is_plain else []


@functools.lru_cache(maxsize=32)
def word_counts(source: Source) -> Counter[str]:
    return Counter(WORD.findall(source.text))
