"""One source file: its text, its syntax tree, and exact character spans of every node."""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Union

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
AnyFunction = Union[ast.FunctionDef, ast.AsyncFunctionDef]
TRANSPARENT = {"classmethod", "staticmethod", "abstractmethod", "contextmanager", "asynccontextmanager", "override"}
NEWLINE = re.compile(r"\r\n|\r|\n")


class Source:
    """A parsed file. `path` is relative to the repo. Raises SyntaxError or ValueError if it is no usable Python.

    The tree has no annotations: hardly any code asks for them, and what is read in them would be taken for code.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        self.text = data.decode(self.encoding)
        self.tree = without_annotations(ast.parse(self.text))
        self.newline = "\r\n" if "\r\n" in self.text else "\n"
        self._starts = [0] + [match.end() for match in NEWLINE.finditer(self.text)]
        self._spans: dict[ast.AST, tuple[int, int]] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node

    @classmethod
    def read(cls, root: Path, path: str) -> Source:
        return cls(path, (root / path).read_bytes())

    def encode(self, text: str) -> bytes:
        """`text` in the file's own encoding, byte order mark included if it had one."""
        return text.encode(self.encoding)

    def line_text(self, line: int) -> str:
        """Line `line` (from 1) without its line break."""
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def line_start(self, line: int) -> int:
        """Offset of the first character of `line`; the end of the text for the line after the last."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self.text)

    def line_of(self, offset: int) -> int:
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            if self._starts[middle] <= offset:
                low = middle
            else:
                high = middle
        return low + 1

    def offset(self, line: int, column: int) -> int:
        """Character offset of the syntax tree's (line, UTF-8 column)."""
        text = self.line_text(line)
        if not text.isascii():
            column = len(text.encode("utf-8")[:column].decode("utf-8", "ignore"))
        return self._starts[line - 1] + column

    def span(self, node: ast.AST) -> tuple[int, int]:
        known = self._spans.get(node)
        if known is None:
            line, column = getattr(node, "lineno"), getattr(node, "col_offset")  # noqa: B009  ast.AST declares neither
            end_line, end_column = getattr(node, "end_lineno"), getattr(node, "end_col_offset")  # noqa: B009
            known = self._spans[node] = self.offset(line, column), self.offset(end_line, end_column)
        return known

    def segment(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def indent_of(self, statement: ast.stmt) -> str:
        """The white space before a statement that starts its line."""
        text = self.line_text(first_line(statement))
        return text[: len(text) - len(text.lstrip())]

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        current = self.parents.get(node)
        while current is not None:
            yield current
            current = self.parents.get(current)

    def statement_of(self, node: ast.AST) -> ast.stmt | None:
        if isinstance(node, ast.stmt):
            return node
        return next((above for above in self.ancestors(node) if isinstance(above, ast.stmt)), None)

    def function_of(self, node: ast.AST) -> AnyFunction | None:
        """The innermost function around `node`."""
        return next((above for above in self.ancestors(node) if isinstance(above, FUNCTIONS)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        return next((above for above in self.ancestors(node) if isinstance(above, ast.ClassDef)), None)

    def block_of(self, statement: ast.stmt) -> tuple[list[ast.stmt], int]:
        """The list of statements that holds `statement`, and its place in it."""
        parent = self.parents[statement]
        for field in ("body", "orelse", "finalbody"):
            block = getattr(parent, field, None)
            if isinstance(block, list) and statement in block:
                return block, block.index(statement)
        return [statement], 0

    @functools.cached_property
    def statements(self) -> list[ast.stmt]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.stmt)]


def is_kept_as_it_is(function: AnyFunction) -> bool:
    """Whether no decorator looks at the function before it keeps it."""
    names = (getattr(one, "attr", getattr(one, "id", "")) for one in function.decorator_list)
    return all(name in TRANSPARENT for name in names)


def first_line(statement: ast.stmt) -> int:
    """The line on which a statement starts, its decorators included."""
    decorators = getattr(statement, "decorator_list", [])
    lines: list[int] = [statement.lineno, *(decorator.lineno for decorator in decorators)]
    return min(lines)


def header_lines(statement: ast.stmt) -> range:
    """The lines of a statement itself, without the statements inside it."""
    end = statement.end_lineno or statement.lineno
    body = getattr(statement, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
        end = max(statement.lineno, first_line(body[0]) - 1)
    return range(first_line(statement), end + 1)


def header_expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    """Every node of a statement itself (comprehensions and lambdas included), not of the statements inside it."""
    pending: list[ast.AST] = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
    while pending:
        node = pending.pop(0)
        if isinstance(node, (ast.stmt, ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)):
            continue
        yield node
        if isinstance(node, ast.JoinedStr):
            continue  # before 3.12 the nodes inside an f-string have no true position
        pending.extend(child for child in ast.iter_child_nodes(node))


def without_annotations(tree: ast.Module) -> ast.Module:
    """The same tree, changed in place: parameters and functions without annotations, and an empty tuple for those of
    names that get a value. A field of a class that has nothing but its annotation keeps it."""
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            node.annotation = ast.copy_location(ast.Tuple(elts=[], ctx=ast.Load()), node.annotation)
    return tree


def opening(function: AnyFunction) -> ast.stmt:
    """Its first statement that does something: the one after the docstring, if there is one."""
    is_documented = len(function.body) > 1 and ast.get_docstring(function, clean=False) is not None
    return function.body[is_documented]


def argument_names(function: AnyFunction | ast.Lambda) -> set[str]:
    """The names of all its parameters."""
    return {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}


def names_stored(node: ast.AST) -> set[str]:
    """Names that get a value in a piece of code."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
