"""Names that code reads and nothing can have given a value: the mistake of a name that means something elsewhere."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

from .source import FUNCTIONS, Source

KNOWN = {*dir(builtins), "__file__", "__path__", "__class__"}
OWN_SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def names_never_bound(source: Source) -> frozenset[str]:
    """Those that functions of a module look for in the module, which does not bind them. None of a module that imports
    names without saying which, or that Python can't compile."""
    if any(isinstance(one, ast.ImportFrom) and one.names[0].name == "*" for one in source.statements):
        return frozenset()
    try:
        tables = list(_tables(symtable.symtable(source.text, source.path, "exec")))
    except (SyntaxError, ValueError):
        return frozenset()
    read = {
        one.get_name() for table in tables[1:] for one in table.get_symbols() if one.is_global() and one.is_referenced()
    }  # fmt: skip
    declared = {one.get_name() for table in tables for one in table.get_symbols() if one.is_declared_global()}
    return frozenset(read - declared - _bound_in(source.tree) - KNOWN)


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _bound_in(module: ast.AST) -> set[str]:
    """Names of the module itself. (Its symbol table has those of comprehensions as well, from Python 3.12 on.)"""
    bound: set[str] = set()
    pending = list(ast.iter_child_nodes(module))
    while pending:
        node = pending.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        elif isinstance(node, OWN_SCOPES):
            bound.update(one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
        name = getattr(node, "name", None) or getattr(node, "rest", None)  # of `case {**rest}` and the like
        bound.update([name] if isinstance(name, str) and type(node).__name__.startswith("Match") else [])
        pending += [] if isinstance(node, OWN_SCOPES) else list(ast.iter_child_nodes(node))
    return bound
