"""Calls with too few arguments, where a failing test broke off because of that."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import SIZED, Place, Proposal
from .template import Template

MADE_BY = ("__init__", "__new__")
MAX_NAMES, MAX_OTHERS, LONGEST = 14, 6, 60
NAMESAKE, IDLE, SHARED = 2.0, 1.6, 1.2
PLAIN = ("None", "True", "False", "0", "1", '""', "[]", "{}")


def missing_argument(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """`cast(kind)` to `cast(kind, value)`: what has the missing parameter's name, what nothing else uses, what other
    calls of the function give, any name in scope."""
    short = place.words.clues.short
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    made = next((one for one in MADE_BY if one in short), "") if name[:1].isupper() or name == "cls" else ""
    if (not name or name not in short) and not ((made or "" in short) and place.clash):
        return
    missing = short.get(name) or short.get(made) or short.get("", ())
    head, parts = place.text(node.func), [place.text(part) for part in [*node.args, *node.keywords]]
    for text, weight in _values(node, place, missing[-1] if missing else ""):
        if text not in parts:
            given = f"{missing[-1]}={text}" if node.keywords and missing else text
            yield place.replace(node, f"{head}({', '.join([*parts, given])})", weight)
    for other in place.words.calls.get(head, []):  # more than one may be missing
        texts = [place.text(one) for one in [*other.args, *other.keywords]]
        if len(texts) > len(parts) + 1 and all("\n" not in one for one in texts):
            yield place.replace(node, f"{head}({', '.join([*parts, *texts[len(parts) :]])})", SHARED)


def _values(node: ast.Call, place: Place, parameter: str) -> Iterator[tuple[str, float]]:
    """What may be meant, with weights: the parameter's name, if it is known, tells most."""
    live = [name for name in place.names if place.is_live(name)]
    if parameter:
        known = [text for text in place.kinds if text.rpartition(".")[2] == parameter]
        for text in dict.fromkeys([*(name for name in live if name == parameter), *known]):
            yield text, NAMESAKE
        for one in node.keywords:  # `day=self.day` after `year=self.year`
            text = place.text(one.value)
            if one.arg and text.endswith(f".{one.arg}"):
                yield f"{text[: -len(one.arg)]}{parameter}", NAMESAKE
    for name in sorted(place.idle):
        yield name, IDLE
    for text in _given_elsewhere(node, place):
        yield text, SHARED
    for name in [*reversed(live)][:MAX_NAMES]:  # the latest are the likeliest
        yield name, 1.0
        if place.kind(name) & SIZED - {"str", "bytes"}:
            for verb in ("tuple", "list"):
                yield f"{verb}({name})", 0.5
    for text in PLAIN:
        yield text, 0.4


def _given_elsewhere(node: ast.Call, place: Place) -> list[str]:
    """What other calls of the function in the file give at the first place that this one leaves out."""
    others = place.words.calls.get(place.text(node.func), [])
    near = sorted(others, key=lambda one: abs(one.lineno - node.lineno))
    texts = [place.text(one.args[len(node.args)]) for one in near if len(one.args) > len(node.args)]
    return list(dict.fromkeys(one for one in texts if "\n" not in one and len(one) < LONGEST))[:MAX_OTHERS]


TEMPLATES = [
    Template("argument missing", 0.5, (ast.Call,), missing_argument),
]
