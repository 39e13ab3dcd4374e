"""A piece of Python as a benchmark sees it: text, tree, spans. Shares no code with the engine that is measured."""

from __future__ import annotations

import ast
from dataclasses import dataclass

Edit = tuple[int, int, str]  # replace the characters [start, end) by a text


@dataclass(frozen=True)
class Slip:
    """One wrong edit that a person could have made."""

    mistake: str
    edits: tuple[Edit, ...]


class Text:
    """A parsed file."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def span(self, node: ast.AST) -> tuple[int, int]:
        start = self._offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        return start, self._offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def _offset(self, line: int, column: int) -> int:
        """The syntax tree counts columns in bytes of UTF-8."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def of(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def whole_lines(self, first: ast.AST, last: ast.AST | None = None) -> tuple[int, int]:
        return self.starts[first.lineno - 1], self.starts[(last or first).end_lineno]  # type: ignore[attr-defined]

    def above(self, node: ast.AST, kinds: type | tuple[type, ...]) -> ast.AST | None:
        current = self.parents.get(node)
        while current is not None and not isinstance(current, kinds):
            current = self.parents.get(current)
        return current

    def function(self, node: ast.AST) -> ast.AST | None:
        return self.above(node, (ast.FunctionDef, ast.AsyncFunctionDef))

    def gap(self, left: ast.AST, right: ast.AST) -> tuple[int, int]:
        return self.span(left)[1], self.span(right)[0]


def apply(text: str, edits: list[Edit] | tuple[Edit, ...]) -> str:
    """Raises ValueError when edits overlap."""
    result, position = [], 0
    for start, end, new in sorted(edits):
        if start < position:
            raise ValueError("edits overlap")
        result += [text[position:start], new]
        position = end
    return "".join([*result, text[position:]])
