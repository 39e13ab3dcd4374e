"""Text surgery on whole statements: inserting, deleting, moving, indenting."""

from __future__ import annotations

import ast

from ..scope import Place, Proposal
from ..source import first_line


def line_span(place: Place, statement: ast.stmt) -> tuple[int, int] | None:
    """The span of the whole lines of a statement, line end included; None when it shares a line with another."""
    source = place.source
    start, end = source.line_start(first_line(statement)), source.line_start((statement.end_lineno or 0) + 1)
    own_start, own_end = source.span(statement)
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        own_start = source.offset(first_line(statement), statement.col_offset)
    after = source.text[own_end:end].strip()
    if source.text[start:own_start].strip() or (after and not after.startswith("#")):
        return None
    return start, end


def unit(place: Place) -> str:
    """One step of the file's indentation, guessed from the statement's own block."""
    own = place.source.indent_of(place.statement)
    if "\t" in own:
        return "\t"
    parent = place.source.parents.get(place.statement)
    if isinstance(parent, ast.stmt):
        step = len(own) - parent.col_offset
        if 0 < step <= 8:
            return " " * step
    return "    "


def insert_before(place: Place, lines: list[str], weight: float, removes: bool = False) -> Proposal | None:
    """New lines (without indentation) before the statement."""
    span = line_span(place, place.statement)
    if span is None:
        return None
    indent = place.source.indent_of(place.statement)
    text = "".join(f"{indent}{line}{place.source.newline}" for line in lines)
    return place.span_edit(span[0], span[0], text, weight, removes)


def insert_after(place: Place, lines: list[str], weight: float) -> Proposal | None:
    span = line_span(place, place.statement)
    if span is None:
        return None
    indent = place.source.indent_of(place.statement)
    text = "".join(f"{indent}{line}{place.source.newline}" for line in lines)
    if span[1] == len(place.source.text) and not place.source.text.endswith(("\n", "\r")):
        text = place.source.newline + text
    return place.span_edit(span[1], span[1], text, weight)


def shifted(place: Place, statement: ast.stmt, old_indent: str, new_indent: str) -> str | None:
    """The lines of a statement with another indentation; None when a text of several lines would change."""
    span = line_span(place, statement)
    if span is None:
        return None
    for node in ast.walk(statement):
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno != node.lineno:
            return None
    lines = place.source.text[span[0] : span[1]].splitlines(keepends=True)
    moved = [new_indent + line[len(old_indent) :] if line.startswith(old_indent) else line for line in lines]
    text = "".join(moved)
    return text if text.endswith(("\n", "\r")) else text + place.source.newline
