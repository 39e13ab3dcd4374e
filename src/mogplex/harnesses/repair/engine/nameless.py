"""Names that code reads and nothing can have given a value: the mistake of a name that means something elsewhere."""

from __future__ import annotations

import builtins
import symtable
from collections.abc import Iterator

KNOWN = {*dir(builtins), "__file__", "__path__", "__class__"}


def names_never_bound(text: str) -> frozenset[str]:
    """Those that functions of a module's text look for in the module, which does not bind them. None when it imports
    without saying which names.

    Raises SyntaxError.
    """
    module = symtable.symtable(text, "module", "exec")
    tables = list(_tables(module))
    if any(symbol.get_name() == "*" for symbol in module.get_symbols()) or "import *" in text:
        return frozenset()
    bound = {one.get_name() for one in module.get_symbols() if one.is_assigned() or one.is_imported()}
    bound.update(one.get_name() for table in tables for one in table.get_symbols() if one.is_declared_global())
    read = {
        one.get_name() for table in tables[1:] for one in table.get_symbols() if one.is_global() and one.is_referenced()
    }  # fmt: skip
    return frozenset(read - bound - KNOWN)


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
