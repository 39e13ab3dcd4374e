"""The recipe, second part: mistakes of whole statements, in one line or in two."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from text import Edit, Text

SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr)
LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)

WRONGLY_CAUGHT = [
    ("KeyError", "IndexError"), ("IndexError", "KeyError"), ("TypeError", "ValueError"), ("ValueError", "TypeError"),
    ("AttributeError", "KeyError"), ("StopIteration", "IndexError"),
]  # fmt: skip


def _block(node: ast.AST, text: Text) -> tuple[list[ast.stmt], int]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(text.parents[node], field, None)
        if isinstance(block, list) and node in block:
            return block, block.index(node)  # type: ignore[arg-type]
    return [], 0


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def step_forgotten(node: ast.stmt, text: Text) -> Iterator[list[Edit]]:
    """An update, a call or a `break` that isn't there."""
    block, _ = _block(node, text)
    if len(block) > 1 and not _is_docstring(node) and node.lineno == node.end_lineno:
        yield [(*text.whole_lines(node), "")]


def result_not_returned(node: ast.Return, text: Text) -> Iterator[list[Edit]]:
    """`return` without its value; a call whose value is dropped."""
    if isinstance(node.value, ast.Call | ast.Name | ast.Attribute):
        start, _ = text.span(node)
        yield [(start, text.span(node.value)[0], "")]


def result_not_kept(node: ast.Assign, text: Text) -> Iterator[list[Edit]]:
    """`x.strip()` where `x = x.strip()` was meant."""
    if isinstance(node.value, ast.Call) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        if any(isinstance(one, ast.Name) and one.id == node.targets[0].id for one in ast.walk(node.value)):
            yield [(text.span(node)[0], text.span(node.value)[0], "")]


def line_indented_wrongly(node: ast.stmt, text: Text) -> Iterator[list[Edit]]:
    """The last line of a block stands outside it."""
    parent = text.parents[node]
    block, number = _block(node, text)
    if isinstance(parent, ast.If | ast.For | ast.While) and number == len(block) - 1 > 0 and not parent.orelse:
        if node.lineno == node.end_lineno and node.col_offset - parent.col_offset == 4:
            start = text.starts[node.lineno - 1]
            yield [(start, start + 4, "")]


def wrong_exception(node: ast.AST, text: Text) -> Iterator[list[Edit]]:
    """Another exception raised, or one too few caught."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
        name = node.exc.func.id
        other = {
            "ValueError": "TypeError",
            "TypeError": "ValueError",
            "KeyError": "ValueError",
            "IndexError": "KeyError",
        }
        if name in other:
            yield [(*text.span(node.exc.func), other[name])]
    elif isinstance(node, ast.ExceptHandler) and node.type is not None:
        if isinstance(node.type, ast.Tuple):
            for one in node.type.elts:
                yield [(*text.span(node.type), text.of(one))]
        else:
            for right, wrong in WRONGLY_CAUGHT:
                if text.of(node.type) == right:
                    yield [(*text.span(node.type), wrong)]


def wrong_default(node: ast.FunctionDef, text: Text) -> Iterator[list[Edit]]:
    for default in node.args.defaults:
        other = {"None": "0", "True": "False", "False": "True", "0": "1", "1": "0", "-1": "0", "''": "' '"}
        if text.of(default) in other:
            yield [(*text.span(default), other[text.of(default)])]


def leaves_too_soon(node: ast.AST, text: Text) -> Iterator[list[Edit]]:
    """`break` for `continue` and back."""
    yield [(*text.span(node), "break" if isinstance(node, ast.Continue) else "continue")]


def generator_not_delegated(node: ast.YieldFrom, text: Text) -> Iterator[list[Edit]]:
    yield [(text.span(node)[0], text.span(node.value)[0], "yield ")]


# --- two lines ------------------------------------------------------------------------------------------------------


def guard_forgotten(node: ast.If, text: Text) -> Iterator[list[Edit]]:
    """`if x: return y`, the two lines of it."""
    block, _ = _block(node, text)
    if len(node.body) == 1 and isinstance(node.body[0], LEAVES) and not node.orelse and len(block) > 1:
        if (node.end_lineno or 0) - node.lineno == 1 and not text.of(node).startswith("elif"):
            yield [(*text.whole_lines(node), "")]


def condition_forgotten(node: ast.If, text: Text) -> Iterator[list[Edit]]:
    """A line that should run only sometimes runs always."""
    if len(node.body) == 1 and not node.orelse and (node.end_lineno or 0) - node.lineno == 1:
        if not text.of(node).startswith("elif") and isinstance(node.body[0], SIMPLE):
            start, end = text.whole_lines(node)
            yield [(start, end, " " * node.col_offset + text.text[text.span(node.body[0])[0] : end])]


def steps_in_wrong_order(node: ast.stmt, text: Text) -> Iterator[list[Edit]]:
    """Two neighbouring lines the wrong way round."""
    block, number = _block(node, text)
    if number + 1 < len(block) and not _is_docstring(node):
        following = block[number + 1]
        plain = isinstance(following, SIMPLE) and following.lineno == following.end_lineno == node.lineno + 1
        if plain and node.lineno == node.end_lineno:
            first, second = text.lines[node.lineno - 1], text.lines[following.lineno - 1]
            yield [(*text.whole_lines(node, following), second + first)]


def copied_with_the_same_mistake(node: ast.FunctionDef, text: Text) -> Iterator[list[Edit]]:
    """One name taken for another in two lines of the same function."""
    names = sorted({one.arg for one in ast.walk(node) if isinstance(one, ast.arg)} - {"self", "cls"})
    uses: dict[str, list[ast.Name]] = {}
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load) and one.id in names:
            uses.setdefault(one.id, []).append(one)
    for name, places in sorted(uses.items()):
        lines = {place.lineno: place for place in places}
        if len(lines) == 2:
            for other in names:
                if other != name:
                    yield [(*text.span(place), other) for place in lines.values()]


OVERSIGHTS = [
    (step_forgotten, (*SIMPLE, ast.Break)),
    (result_not_returned, (ast.Return,)),
    (result_not_kept, (ast.Assign,)),
    (line_indented_wrongly, (*SIMPLE, ast.Return)),
    (wrong_exception, (ast.Raise, ast.ExceptHandler)),
    (wrong_default, (ast.FunctionDef,)),
    (leaves_too_soon, (ast.Break, ast.Continue)),
    (generator_not_delegated, (ast.YieldFrom,)),
]
TWO_LINES = [
    (guard_forgotten, (ast.If,)),
    (condition_forgotten, (ast.If,)),
    (steps_in_wrong_order, SIMPLE),
    (copied_with_the_same_mistake, (ast.FunctionDef,)),
]
