"""Types that `isinstance` asks for: one was forgotten, or another one was meant."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from ..scope import Place, Proposal
from ..vocabulary import is_exception
from .template import Template

MAX_CLASSES = 12  # of the file's own and those that it imports
TYPE_FRIENDS = {
    "list": ("tuple",),
    "tuple": ("list",),
    "int": ("float", "bool"),
    "float": ("int",),
    "str": ("bytes",),
    "bytes": ("str",),
    "set": ("frozenset",),
    "dict": ("list",),
}


def type_added(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """`isinstance(x, list)` to `isinstance(x, (list, tuple))`; the types that `x` had in a failing test come first."""
    if not (isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass") and len(node.args) == 2):
        return
    kinds = node.args[1]
    parts = [place.text(one) for one in kinds.elts] if isinstance(kinds, ast.Tuple) else [place.text(kinds)]
    friends = [friend for part in parts for friend in TYPE_FRIENDS.get(part, ())]
    classes = sorted(
        one for one in place.words.bound if one[:1].isupper() and not one.isupper() and not is_exception(one)
    )
    classes = [one for one in classes if not hasattr(builtins, one)][:MAX_CLASSES]
    met = [one for one in sorted(place.kind_of(node.args[0])) if one in place.words.spelled or one in TYPE_FRIENDS]
    friends = [*met, *friends]
    for friend in dict.fromkeys(
        [*friends, "str", "bytes", "list", "tuple", "dict", "set", "int", "float", "type(None)", *classes]
    ):
        if friend not in parts:
            yield place.replace(kinds, f"({', '.join([*parts, friend])})", 1.0 if friend in friends else 0.5)
            yield place.replace(kinds, friend, 0.4)
    for text, theirs in place.kinds.items():  # the class is known by another name
        if theirs <= {"type", "ABCMeta", "EnumMeta"} and text not in parts:
            yield place.replace(kinds, text, 0.6)
    if len(parts) > 1:
        for number in range(len(parts)):
            rest = [part for index, part in enumerate(parts) if index != number]
            yield place.replace(kinds, f"({', '.join(rest)})" if len(rest) > 1 else rest[0], 0.6)


TEMPLATES = [
    Template("isinstance type", 0.35, (ast.Call,), type_added),
]
