"""What a template may use at one place: names in scope with their run-time types, and the file's own vocabulary."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass

from .edit import Edit, fit, is_loose
from .evident import LITERALS, RESULTS
from .idle import idle_members, idle_names
from .neglect import Neglect
from .source import FUNCTIONS, AnyFunction, Source, header_expressions
from .vocabulary import Scope, Vocabulary

NUMBERS = {"int", "float", "bool", "complex", "Decimal", "Fraction"}
SEQUENCES = {"list", "tuple", "str", "bytes", "deque", "range"}
SIZED = SEQUENCES | {"dict", "set", "frozenset", "OrderedDict", "defaultdict", "Counter"}
UNCALCULABLE = SEQUENCES | {"dict", "NoneType", "Match", "Pattern", "function", "method", "type", "module", "generator"}
ASKING = {"callable", "isinstance", "issubclass", "hasattr", "type"}
EQUALITY = (ast.Eq, ast.NotEq)
FAMILIES = (  # of types whose values may equal one another
    NUMBERS, {"set", "frozenset"}, {"dict", "OrderedDict", "defaultdict", "Counter"}, {"bytes", "bytearray"},
)  # fmt: skip
MAX_EXPRESSIONS = 60
LONGEST, MAX_LENGTHS = 64, 3


@dataclass(frozen=True)
class Proposal:
    """What a template says: these edits, with this weight (0 to 1) beside the template's prior."""

    edits: tuple[Edit, ...]
    weight: float = 1.0
    removes: bool = False  # takes behaviour away: ranked and chosen last


class Place:
    """One statement under suspicion. Templates read it; they never change it."""

    def __init__(self, source: Source, statement: ast.stmt, words: Vocabulary, kinds: dict[str, set[str]]) -> None:
        """`kinds` are the type names seen at run time on this line, by name and by name.attribute; may be empty."""
        self.source = source
        self.statement = statement
        self.words = words
        self.kinds = kinds
        inside = isinstance(statement, FUNCTIONS)
        self.function: AnyFunction | None = statement if inside else source.function_of(statement)  # type: ignore[assignment]
        self.clash = self._clash()
        scope = self.function or statement
        common = words.scopes.get(scope)
        if common is None:
            idle = idle_names(self.function) if self.function is not None else set()
            common = words.scopes[scope] = Scope(*self._names(), self._expressions(), idle)
        self.names, self.enclosing = common.names, common.enclosing
        self.expressions, self.idle = common.expressions, common.idle

    def _clash(self) -> str:
        """The exception by which a failing test broke off here because of a wrong type: then types tell what is wrong,
        and not what fits."""
        lines = range(self.statement.lineno, (self.statement.end_lineno or self.statement.lineno) + 1)
        clashes = self.words.clues.clashes
        return next((clashes[self.source.path, line] for line in lines if (self.source.path, line) in clashes), "")

    @functools.cached_property
    def reads(self) -> dict[str, list[ast.Name]]:
        """Where the function reads each name."""
        scope = self.function or self.statement
        known = self.words.reads.get(scope)
        if known is None:
            known = self.words.reads[scope] = {}
            for node in ast.walk(scope):
                if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
                    known.setdefault(node.id, []).append(node)
        return known

    @functools.cached_property
    def idle_members(self) -> frozenset[str]:
        """What the class gives `self`, or does privately, and its file never mentions again."""
        owner = self.source.class_of(self.statement)
        return idle_members(owner, self.source) if owner is not None and "self" in self.names else frozenset()

    @functools.cached_property
    def unread(self) -> frozenset[str]:
        """Words of all that gets a meaning here and is never read."""
        return self.words.idle | self.idle | self.idle_members

    @functools.cached_property
    def constants(self) -> list[ast.Constant]:
        """Those of the function, the nearest first."""
        found = [one for one in ast.walk(self.function or self.statement) if isinstance(one, ast.Constant)]
        return sorted(found, key=lambda one: abs(one.lineno - self.statement.lineno))

    @functools.cached_property
    def lengths(self) -> list[int]:
        """What the function cuts sequences at or counts to: how long they are supposed to be, perhaps."""
        numbers = (one.value for one in self.constants)
        return sorted({one for one in numbers if type(one) is int and 2 <= one <= LONGEST}, reverse=True)[:MAX_LENGTHS]

    @functools.cached_property
    def neglect(self) -> Neglect:
        """What the function seems to forget."""
        return Neglect.of(self.function, self.source) if self.function is not None else Neglect()

    def _names(self) -> tuple[list[str], set[str]]:
        """Local names (parameters first, then in order of assignment), comprehension variables included; and those of
        them that only functions around this one bind."""
        if self.function is None:
            return list(self.words.globals), set()
        names: list[str] = []
        own = 0
        function: AnyFunction | None = self.function
        while function is not None:
            arguments = function.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            names += [one.arg for one in every if one is not None]
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    names.append(node.id)
                elif isinstance(node, FUNCTIONS) and node is not function:
                    names.append(node.name)
            own = own or len(names)
            function = self.source.function_of(function)
        return list(dict.fromkeys(names)), set(names[own:]) - set(names[:own])

    def _expressions(self) -> list[ast.expr]:
        """Other expressions of the function, without repeats: candidates for replacing one another."""
        found: dict[str, ast.expr] = {}
        for node in ast.walk(self.function or self.statement):
            if isinstance(
                node, (ast.Compare, ast.Call, ast.Attribute, ast.Subscript, ast.BinOp, ast.BoolOp, ast.UnaryOp)
            ):
                context = getattr(node, "ctx", None)
                if context is None or isinstance(context, ast.Load):
                    text = self.source.segment(node)
                    if len(text) <= 60 and "\n" not in text:
                        found.setdefault(text, node)
        return list(found.values())[:MAX_EXPRESSIONS]

    def kind(self, text: str) -> set[str]:
        """Types seen for a name, `name.attribute`, or a literal's text; empty when unknown."""
        return self.kinds.get(text, set())

    def kind_of(self, node: ast.AST) -> set[str]:
        """The types an expression may have, as far as they are plain to see."""
        if isinstance(node, ast.Constant):
            return {type(node.value).__name__}
        for shapes, name in LITERALS:
            if isinstance(node, shapes):
                return {name}
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self.kind(self.source.segment(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return RESULTS.get(node.func.id, set())
        if isinstance(node, ast.BinOp):
            left, right = self.kind_of(node.left), self.kind_of(node.right)
            return left | right if left <= NUMBERS and right <= NUMBERS else left or right
        if isinstance(node, ast.UnaryOp):
            return {"bool"} if isinstance(node.op, ast.Not) else self.kind_of(node.operand)
        return set()

    def may_be(self, node: ast.AST, kinds: set[str]) -> bool:
        """Whether an expression can be of one of these types: true when nothing is known."""
        known = self.kind_of(node)
        return not known or bool(known & kinds)

    def is_live(self, name: str) -> bool:
        """Whether a name had a value on this line in some failing test; true when the line was never traced, and of
        names of the functions around: a frame has those of them only that its function uses already."""
        return not self.kinds or name in self.kinds or name in self.enclosing

    def is_compatible(self, one: str, other: str) -> float:
        """How well `other` can stand for `one`: 1 for the same types, 0 for types that never mix."""
        mine, theirs = self.kind(one), self.kind(other)
        if not self.is_live(other):
            return 0.0
        if not mine or not theirs:
            return 0.5
        if self.clash:
            return 0.6
        if mine & theirs:
            return 1.0
        if "NoneType" in mine | theirs:
            return 0.5
        both = mine | theirs
        return 0.5 if both <= NUMBERS or both <= SEQUENCES or both <= SIZED else 0.1

    def is_judged(self, node: ast.AST) -> bool:
        """Whether only the truth of an expression counts: it is a condition, or a part of one."""
        parent = self.source.parents.get(node)
        while isinstance(parent, ast.BoolOp) or (isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not)):
            node, parent = parent, self.source.parents.get(parent)
        return isinstance(parent, (ast.If, ast.While, ast.IfExp, ast.Assert)) and parent.test is node

    def is_asked(self, node: ast.AST) -> bool:
        """Whether it is asked of what kind it is, as `callable(x)` does: it may be of any."""
        parent = self.source.parents.get(node)
        is_first = isinstance(parent, ast.Call) and parent.args[:1] == [node]
        return is_first and getattr(getattr(parent, "func", None), "id", "") in ASKING

    def kinds_beside(self, node: ast.AST) -> set[str]:
        """The types of what a node is compared with, if the node's own most likely never equals it; else empty."""
        parent = self.source.parents.get(node)
        if not isinstance(parent, ast.Compare) or len(parent.ops) > 1 or not isinstance(parent.ops[0], EQUALITY):
            return set()
        beside = self.kind_of(parent.left if parent.comparators[0] is node else parent.comparators[0])
        mine = self.kind_of(node)
        is_akin = any(family & mine and family & beside for family in FAMILIES)
        return set() if not mine or mine & beside or is_akin else beside

    def is_misfit(self, node: ast.Name) -> bool:
        """Whether something is calculated with that is no number, seen at run time: an exception that was caught."""
        parent = self.source.parents.get(node)
        is_calculated = isinstance(parent, ast.BinOp) and isinstance(
            parent.op, (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow)
        )
        kinds = self.kind(node.id)
        return is_calculated and bool(kinds) and kinds <= UNCALCULABLE

    # --- edits ---------------------------------------------------------------------------------------------------

    def text(self, node: ast.AST) -> str:
        return self.source.segment(node)

    def grouped(self, node: ast.AST) -> str:
        """The text of an operand with the parentheses it has in the file (spans leave them out)."""
        start, end = self.source.span(node)
        text = self.source.text[start:end]
        if self.source.text[:start].rstrip().endswith("(") and self.source.text[end:].lstrip().startswith(")"):
            return f"({text})" if is_loose(text) else text
        return text

    def replace(self, node: ast.AST, text: str, weight: float = 1.0, removes: bool = False) -> Proposal:
        """Put `text` in the place of an expression, in parentheses where needed."""
        start, end = self.source.span(node)
        return Proposal((Edit(start, end, fit(self.source, node, text)),), weight, removes)

    def swap(self, one: ast.AST, other: ast.AST, weight: float = 1.0) -> Proposal:
        (start, end), (other_start, other_end) = self.source.span(one), self.source.span(other)
        first = Edit(start, end, fit(self.source, one, self.text(other)))
        second = Edit(other_start, other_end, fit(self.source, other, self.text(one)))
        return Proposal((first, second), weight)

    def span_edit(self, start: int, end: int, text: str, weight: float = 1.0, removes: bool = False) -> Proposal:
        return Proposal((Edit(start, end, text),), weight, removes)

    def nodes(self) -> list[ast.AST]:
        """The statement, then every expression node of it (not of the statements inside it)."""
        return [self.statement, *header_expressions(self.statement)]
