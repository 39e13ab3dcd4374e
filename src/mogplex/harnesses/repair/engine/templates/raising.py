"""An exception that is missing: a guard that raises, made after what the file raises elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..likeness import WORD
from ..scope import Place, Proposal
from ..source import FUNCTIONS
from .atoms import atoms, maybe_none
from .block import insert_before, unit
from .template import Template

MAX_RAISES = 5
MAX_ATOMS = 40
UNASKED, EXPECTED = 0.1, 0.7  # the weight when no failing test waits for it; when one does, and got another


def _raises(place: Place) -> list[tuple[str, float]]:
    """`raise` statements as they stand in the file, those that a failing test waits for first; then bare ones."""
    wanted, named = place.words.clues.wanted, place.words.clues.named
    found: dict[str, float] = {}
    for node in place.words.raises:
        text = place.text(node)
        kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if "\n" in text or len(text) > 100 or kind is None:
            continue
        name = place.text(kind).rsplit(".", 1)[-1]
        waited = 1.0 if name in wanted else EXPECTED if name in named and not wanted else 0.0
        near = 1.0 / (1 + abs(node.lineno - place.statement.lineno) / 100)
        uses = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} - {place.text(kind)}
        if uses <= set(place.names):
            found.setdefault(text, (waited or (UNASKED if wanted else UNASKED * 0.5)) * (0.5 + 0.5 * near))
    for name in dict.fromkeys([*wanted, *(() if wanted else named)]):
        if not any(text.startswith(f"raise {name}") for text in found):
            found[f"raise {name}"] = 0.7 * (1.0 if name in wanted else EXPECTED)
    return sorted(found.items(), key=lambda item: -item[1])[:MAX_RAISES]


def guard_that_raises(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`if atom: raise …` before the statement."""
    yield from _raising_if(node, place, [(atom, min(1.0, weight)) for atom, weight in atoms(place)[:MAX_ATOMS]])


def none_refused(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`if not x: raise …` before the statement, where failing tests died of a None and `x` was one."""
    conditions = [(text, 1.0) for name in maybe_none(place) for text in (f"not {name}", f"{name} is None")]
    yield from _raising_if(node, place, conditions)


def key_refused(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`if key not in entries: raise …` before a statement that reads `entries[key]`, where failing tests died of it."""
    if "KeyError" not in place.words.clues.raised:
        return
    read = (one for one in place.nodes() if isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Load))
    plain = (one for one in read if isinstance(one.slice, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)))
    conditions = [(f"{place.text(one.slice)} not in {place.text(one.value)}", 1.0) for one in plain]
    yield from _raising_if(node, place, conditions)


def _raising_if(node: ast.stmt, place: Place, conditions: list[tuple[str, float]]) -> Iterator[Proposal]:
    if place.function is None or isinstance(node, FUNCTIONS) or not conditions:
        return
    early = node in place.function.body[:4]
    raises = _raises(place)
    about = _about_one(place) if not all(leave.endswith(")") for leave, _ in raises) else set()
    for leave, likely in raises:
        for atom, weight in conditions:
            subject = _subject(atom, place) if leave in about else ""
            lines = [f"if {atom}:", f"{unit(place)}{leave}({subject})" if subject else f"{unit(place)}{leave}"]
            proposal = insert_before(place, lines, weight * likely * (1.0 if early else 0.6))
            if proposal is not None:
                yield proposal


def _about_one(place: Place) -> set[str]:
    """`raise X` for the exceptions of the file that can't be made without one argument: what they are about."""
    made = [one for one in place.source.statements if isinstance(one, FUNCTIONS) and one.name == "__init__"]
    owners = {place.source.class_of(one): one.args for one in made}
    return {
        f"raise {owner.name}" for owner, args in owners.items()
        if owner is not None and len(args.args) - len(args.defaults) == 2
    }  # fmt: skip


def _subject(condition: str, place: Place) -> str:
    """The first name that a condition asks about; "" if that is none of the function's."""
    return next((one for one in WORD.findall(condition) if one in place.names and one not in ("self", "cls")), "")


def raised_instead(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`return x`, `pass` or `continue` to `raise …`; in a handler also to a bare `raise`."""
    if place.function is None:
        return
    start, end = place.source.span(node)
    if isinstance(place.source.parents.get(node), ast.ExceptHandler):
        yield place.span_edit(start, end, "raise", 0.6)
    for leave, likely in _raises(place):
        yield place.span_edit(start, end, leave, likely)


def not_raised(node: ast.Raise, place: Place) -> Iterator[Proposal]:
    """`raise` to `return None`, `continue`, `pass`: what is fine was refused."""
    start, end = place.source.span(node)
    for text, weight in (("return None", 1.0), ("pass", 0.8), ("return False", 0.6), ("continue", 0.4)):
        yield place.span_edit(start, end, text, weight, removes=True)


SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.For, ast.If, ast.While, ast.With, ast.Try)
TEMPLATES = [
    Template("guard that raises", 0.3, SIMPLE, guard_that_raises),
    Template("none refused", 0.6, SIMPLE, none_refused),
    Template("key refused", 0.6, SIMPLE, key_refused),
    Template("raised instead", 0.25, (ast.Return, ast.Pass, ast.Continue), raised_instead),
    Template("not raised", 0.1, (ast.Raise,), not_raised),
]
