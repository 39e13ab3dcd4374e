"""Compiles just the function an edit lies in, instead of its whole module: about a millisecond instead of tens.

The function is compiled under the headers of the classes and blocks around it, on its true line numbers, so tracebacks
and line tracing agree with the file.
"""

from __future__ import annotations
import __future__

import ast
import base64
import bisect
import contextlib
import marshal
import types
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from .edit import Candidate, Edit, apply_edits
from .source import FUNCTIONS, AnyFunction, Source, first_line, is_kept_as_it_is, opening

Thing = TypeVar("Thing")
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
FUTURE_FLAGS = {name: getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}


@dataclass(frozen=True)
class Compiled:
    """What a worker needs to try a candidate.

    `code` is the new code object of the outermost function around the edit, `function` and `line` say which one it
    replaces. An edit of a signature, or of an assignment at the top of a module, can be tried without an import too:
    `code` is executed then. Without `code` the `text` of the whole file has to be imported.
    """

    text: str
    key: int  # equal for candidates that compile to the same thing
    code: types.CodeType | None = None
    kind: str = "body"  # what `code` is: "body" of a function, "signature" (a whole def), "globals" (assignments)
    function: str = ""
    line: int = 0
    owners: tuple[str, ...] = ()  # the classes around a signature, outermost first
    growth: int = 0  # so many lines it brings in


def future_flags(tree: ast.Module) -> int:
    """The compiler flags of the file's `from __future__` imports."""
    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= FUTURE_FLAGS.get(alias.name, 0)
    return flags


class Extents(Generic[Thing]):
    """Things that lie one after another in a text, by where they begin and end."""

    def __init__(self, every: Iterable[tuple[int, int, Thing]]) -> None:
        self._every = sorted(every, key=lambda one: one[:2])
        self._starts = [start for start, _, _ in self._every]

    def around(self, candidate: Candidate) -> Thing | None:
        """The one that holds all edits."""
        number = bisect.bisect_right(self._starts, min(edit.start for edit in candidate.edits))
        for start, end, thing in self._every[max(0, number - 2) : number]:  # an empty one may begin where it ends
            if all(start <= edit.start and edit.end <= end for edit in candidate.edits):
                return thing
        return None


class Compiler:
    """Compiles candidates of one file."""

    def __init__(self, source: Source, filename: str) -> None:
        self.source = source
        self.filename = filename
        self.flags = future_flags(source.tree)
        self.outer = [
            node for node in ast.walk(source.tree) if isinstance(node, FUNCTIONS) and source.function_of(node) is None
        ]
        self._bodies = Extents(self._body(function) for function in self.outer)
        self._wholes = Extents((*source.span(function), function) for function in self.outer)
        self._statements = Extents((*source.span(one), number) for number, one in enumerate(source.tree.body))

    def compile(self, candidate: Candidate) -> Compiled:
        """Raises SyntaxError (or ValueError) when the edited text is no Python."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the compiler thinks of an edit is nobody's business
            compiled = self._compile(candidate, apply_edits(self.source.text, candidate.edits))
        text = self.source.text
        growth = sum(one.text.count("\n") - text.count("\n", one.start, one.end) for one in candidate.edits)
        return replace(compiled, growth=growth) if growth else compiled

    def _compile(self, candidate: Candidate, text: str) -> Compiled:
        function = self.function_around(candidate)
        if function is None:
            return self._compile_signature(candidate, text) or self._compile_globals(candidate, text)
        unit, depth_names = self._unit(function, text)
        if unit is None:
            return self._compile_module(text)
        module = compile(unit, self.filename, "exec", self.flags, dont_inherit=True)
        code = _descend(module, [*depth_names, function.name])
        if code is None:
            return self._compile_module(text)
        return Compiled(text, fingerprint(code), code, function=function.name, line=code.co_firstlineno)

    def unedited(self) -> Iterator[Compiled]:
        """What each function compiles to as it stands."""
        for function in self.outer:
            start = self.source.span(function.body[0])[0]
            with contextlib.suppress(SyntaxError, ValueError):
                line = function.body[0].lineno
                yield self.compile(Candidate(self.source.path, line, (Edit(start, start, ""),), "", 0, 0))

    def _unit(self, function: AnyFunction, text: str) -> tuple[str | None, list[str]]:
        """The function as it is in `text`, under its headers; None when they don't fit above it. And the names of the
        classes among them."""
        start = self.source.line_start(first_line(function))
        end = self.source.span(function)[1] + len(text) - len(self.source.text)
        lines, names = self._headers(function)
        padding = first_line(function) - 1 - len(lines)
        if padding < 0:
            return None, names
        return "\n" * padding + "".join(line + "\n" for line in lines) + text[start:end] + "\n", names

    def _compile_signature(self, candidate: Candidate, text: str) -> Compiled | None:
        """An edit of a function that also touches its signature; None if it is no such edit, or of a function that a
        decorator may look at before it keeps it."""
        function = self._wholes.around(candidate)
        if function is None or not is_kept_as_it_is(function):
            return None
        unit, owners = self._unit(function, text)
        same = [
            node
            for node in ast.walk(ast.parse(text if unit is None else unit))
            if isinstance(node, FUNCTIONS) and node.name == function.name and node.lineno == function.lineno
        ]
        if len(same) != 1:
            return None
        for number, one in enumerate(same[0].decorator_list):  # its first line is that of a decorator
            same[0].decorator_list[number] = ast.copy_location(ast.parse("lambda f: f", mode="eval").body, one)
        code = self._compile_nodes([ast.fix_missing_locations(_within(owners, same[0]))])
        line = first_line(function)
        return Compiled(text, fingerprint(code), code, "signature", function.name, line, tuple(owners))

    def _compile_globals(self, candidate: Candidate, text: str) -> Compiled:
        """An edit inside one statement of the module. Of an assignment: that one, and later assignments that build on
        its names. Anything else has to be imported; then only what it compiles to is of interest, to know it again."""
        number = self._statement_around(candidate)
        if number is None:
            return self._compile_module(text)
        statement = self.source.tree.body[number]
        start = self.source.line_start(first_line(statement))
        end = self.source.span(statement)[1] + len(text) - len(self.source.text)
        padded = "\n" * (first_line(statement) - 1) + text[start:end] + "\n"
        if not isinstance(statement, ASSIGNMENTS):
            code = compile(padded, self.filename, "exec", self.flags, dont_inherit=True)
            return Compiled(text, fingerprint(code) ^ statement.lineno)
        nodes = ast.parse(padded).body
        if len(nodes) != 1:
            return self._compile_module(text)
        names = _names(nodes[0], ast.Store)
        for later in self.source.tree.body[number + 1 :]:
            if isinstance(later, ASSIGNMENTS) and names & _names(later, ast.Load):
                nodes.append(later)
                names |= _names(later, ast.Store)
        code = self._compile_nodes(nodes)
        return Compiled(text, fingerprint(code), code, "globals", "", statement.lineno)

    def _statement_around(self, candidate: Candidate) -> int | None:
        """The number of the one statement of the module that holds all edits, if it begins its line."""
        number = self._statements.around(candidate)
        return number if number is not None and self.source.tree.body[number].col_offset == 0 else None

    def needs_import(self, candidate: Candidate) -> bool:
        """Whether an edit can't be tried without one; told without compiling anything."""
        if self.function_around(candidate) is not None:
            return False
        function = self._wholes.around(candidate)
        if function is not None:
            return not is_kept_as_it_is(function)
        number = self._statement_around(candidate)
        return number is None or not isinstance(self.source.tree.body[number], ASSIGNMENTS)

    def _compile_nodes(self, nodes: list[ast.stmt]) -> types.CodeType:
        module = ast.Module(body=nodes, type_ignores=[])
        code: types.CodeType = compile(module, self.filename, "exec", self.flags, dont_inherit=True)
        return code

    def _compile_module(self, text: str) -> Compiled:
        return Compiled(text, fingerprint(compile(text, self.filename, "exec", self.flags, dont_inherit=True)))

    def function_around(self, candidate: Candidate) -> AnyFunction | None:
        """The outermost function whose *body* holds all edits; None when the edit touches what runs at import."""
        function = self._bodies.around(self._within_lines(candidate))
        if function is None:
            return None
        end = self.source.span(function)[1]
        added = [edit.text for edit in candidate.edits if edit.start == edit.end > end]
        return function if all(len(text) - len(text.lstrip(" \t")) > function.col_offset for text in added) else None

    def function_changed(self, candidate: Candidate, compiled: Compiled) -> AnyFunction | None:
        """The outermost function whose body or signature it edits, and nothing else; None when there is none."""
        if compiled.kind == "signature":
            return self._wholes.around(candidate)
        return self.function_around(candidate) if compiled.kind == "body" else None

    def _within_lines(self, candidate: Candidate) -> Candidate:
        """With edits that take, or add, whole lines ending before the line break: the last line of a body is one of its
        own, and so is one that is added after it."""
        text, line_break = self.source.text, self.source.newline
        edits = []
        for edit in candidate.edits:
            cut = len(line_break) if text.endswith(line_break, 0, edit.end) else 0
            if edit.start < edit.end:
                edits.append(replace(edit, end=max(edit.start, edit.end - cut)))
            else:
                is_line = edit.text.endswith(line_break)
                edits.append(replace(edit, start=edit.start - cut, end=edit.end - cut) if is_line else edit)
        return replace(candidate, edits=tuple(edits))

    def line_run(self, candidate: Candidate, compiled: Compiled) -> int:
        """A line that is run whenever what the candidate changes makes a difference: of a function whose signature it
        edits the first one, not the `def`, which runs at import."""
        function = self._wholes.around(candidate) if compiled.kind == "signature" else None
        return candidate.line if function is None else opening(function).lineno

    def _body(self, function: AnyFunction) -> tuple[int, int, AnyFunction]:
        """Where its body begins, white space included, and where it ends."""
        start = self.source.span(function.body[0])[0]
        indented = self.source.line_start(function.body[0].lineno)
        low = indented if not self.source.text[indented:start].strip() else start
        return low, self.source.span(function)[1], function

    def _headers(self, function: AnyFunction) -> tuple[list[str], list[str]]:
        """The header lines that recreate the scope around a function, and the class names on the way to it."""
        lines: list[str] = []
        names: list[str] = []
        for above in self.source.ancestors(function):
            if isinstance(above, ast.ClassDef):
                lines.insert(0, " " * above.col_offset + f"class {above.name}:")
                names.insert(0, above.name)
            elif isinstance(above, ast.stmt):
                lines.insert(0, " " * above.col_offset + "if 1:")
            elif isinstance(above, ast.ExceptHandler):
                continue
        return _with_distinct_depth(lines), names


def _within(owners: list[str], function: ast.stmt) -> ast.stmt:
    """The function in bare classes of these names: what it says of `super()` and of private names holds there only."""
    for name in reversed(owners):
        bare = ast.ClassDef(name=name, bases=[], keywords=[], body=[function], decorator_list=[])
        function = ast.copy_location(bare, function)
    return function


def _names(statement: ast.stmt, context: type[ast.expr_context]) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


def _with_distinct_depth(lines: list[str]) -> list[str]:
    """`elif` chains put several headers on one column; one of them is enough."""
    kept: list[str] = []
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if kept and len(kept[-1]) - len(kept[-1].lstrip()) == depth and line.lstrip() == "if 1:":
            continue
        kept.append(line)
    return kept


def _descend(code: types.CodeType, names: list[str]) -> types.CodeType | None:
    for name in names:
        inner = [const for const in code.co_consts if isinstance(const, types.CodeType) and const.co_name == name]
        if not inner:
            return None
        code = inner[-1]
    return code


def fingerprint(code: types.CodeType) -> int:
    """A hash of what the code does: equal for edits that only differ in layout."""
    handlers = getattr(code, "co_exceptiontable", b"")  # from 3.11 on the extent of `try` is not in co_code
    parts: list[object] = [code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_flags, handlers]
    for const in code.co_consts:
        parts.append(fingerprint(const) if isinstance(const, types.CodeType) else (type(const).__name__, repr(const)))
    return hash(tuple(parts))


def encoded(compiled: Compiled, path: str) -> dict[str, Any]:
    """A compiled edit as `CodeIndex.apply` takes it."""
    code = base64.b64encode(marshal.dumps(compiled.code)).decode("ascii")
    return {
        "code": code, "kind": compiled.kind, "path": path, "function": compiled.function, "line": compiled.line,
        "owners": compiled.owners, "growth": compiled.growth,
    }  # fmt: skip
