"""Types that are plain to see: of literals, and of what well-known functions return."""

from __future__ import annotations

import ast

LITERALS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((ast.List, ast.ListComp), "list"),
    ((ast.Dict, ast.DictComp), "dict"),
    ((ast.Set, ast.SetComp), "set"),
    ((ast.Tuple,), "tuple"),
    ((ast.JoinedStr,), "str"),
    ((ast.Compare,), "bool"),
    ((ast.GeneratorExp,), "generator"),
    ((ast.Lambda,), "function"),
)
RESULTS = {
    "len": {"int"}, "int": {"int"}, "str": {"str"}, "list": {"list"}, "dict": {"dict"}, "set": {"set"},
    "tuple": {"tuple"}, "sorted": {"list"}, "range": {"range"}, "float": {"float"}, "bool": {"bool"},
    "isinstance": {"bool"}, "any": {"bool"}, "all": {"bool"}, "ord": {"int"}, "chr": {"str"}, "repr": {"str"},
    "enumerate": {"enumerate"}, "zip": {"zip"},
}  # fmt: skip
