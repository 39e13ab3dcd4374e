"""Edits are replacements of spans of text, so comments, formatting and line ends stay as they were."""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass, field

from .source import Source

LOOSE = (
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.UnaryOp,
    ast.IfExp,
    ast.Lambda,
    ast.Yield,
    ast.YieldFrom,
    ast.Await,
    ast.NamedExpr,
    ast.Starred,
)
EMPTY_LITERALS = {"[]", "{}", "()"}
SKIPPED_TOKENS = {tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass(frozen=True)
class Edit:
    """Replace the characters [start, end) by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Candidate:
    """One possible patch of one file. `score` orders the search: prior of the template x suspicion of the line."""

    path: str
    line: int
    edits: tuple[Edit, ...]
    template: str
    prior: float
    score: float
    removes: bool = field(default=False)  # takes behaviour away rather than correcting it

    def touches(self, start: int, end: int) -> bool:
        """Whether it changes something between two offsets of the text; what it only puts at one of them doesn't."""
        return any(edit.start < end and start < edit.end for edit in self.edits)


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text after all edits. Raises ValueError when two of them overlap."""
    pieces: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < position:
            raise ValueError(f"edits overlap at offset {edit.start}")
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    pieces.append(text[position:])
    return "".join(pieces)


def is_loose(text: str) -> bool:
    """Whether an expression needs parentheses when it stands inside a tighter one."""
    try:
        return isinstance(ast.parse(text.strip(), mode="eval").body, LOOSE) or _is_bare_tuple(text)
    except SyntaxError:
        return False


def _is_bare_tuple(text: str) -> bool:
    return not text.lstrip().startswith("(") and isinstance(ast.parse(text.strip(), mode="eval").body, ast.Tuple)


def fit(source: Source, node: ast.AST, text: str) -> str:
    """`text` as it must be written to stand in the place of `node`: in parentheses where it would bind otherwise."""
    parent = source.parents.get(node)
    tight: tuple[type, ...] = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Attribute, ast.Await, ast.Starred)
    is_called = isinstance(parent, ast.Call) and parent.func is node
    is_indexed = isinstance(parent, ast.Subscript) and parent.value is node
    if (isinstance(parent, tight) or is_called or is_indexed) and is_loose(text):
        start, end = source.span(node)
        if source.text[max(0, start - 1) : start] == "(" and source.text[end : end + 1] == ")":
            return text
        return f"({text})"
    return text


def operator_span(source: Source, start: int, end: int, words: Sequence[str]) -> tuple[int, int]:
    """The span of an operator (one or two words, as "not in") between two operands. ValueError if there is none."""
    gap = source.text[start:end]
    position = _skip_layout(gap, 0)
    first = position
    for number, word in enumerate(words):
        position = _skip_layout(gap, position)
        if number == 0:
            first = position
        if not gap.startswith(word, position):
            raise ValueError(f"no operator {word!r} at offset {start + position}")
        position += len(word)
    return start + first, start + position


def _skip_layout(gap: str, position: int) -> int:
    """Skip white space, closing parentheses of the left operand, line continuations and comments."""
    while position < len(gap):
        character = gap[position]
        if character in " \t\r\n\f\\)":
            position += 1
        elif character == "#":
            while position < len(gap) and gap[position] not in "\r\n":
                position += 1
        else:
            break
    return position


def tokens_of(text: str) -> list[str]:
    """The words of a piece of Python; falls back to white space when it doesn't tokenise on its own."""
    flat = "\n".join(line.strip() for line in text.splitlines())  # indentation of a part of a file means nothing here
    try:
        stream = tokenize.generate_tokens(io.StringIO(flat).readline)
        words = [token.string for token in stream if token.type not in SKIPPED_TOKENS]
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return text.split()
    pairs = [number for number in range(1, len(words)) if words[number - 1] + words[number] in EMPTY_LITERALS]
    return [word for number, word in enumerate(words) if number not in pairs]  # an empty literal is one word


def changed_tokens(before: str, after: str) -> int:
    """How many words a patch removes and adds: the measure of its size."""
    old, new = tokens_of(before), tokens_of(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal")


def quoted(text: str, like: str) -> str:
    """A literal of a text, in the kind of quotes that another literal has."""
    literal = repr(text)
    is_double = '"' in like[:2] and '"' not in text and "\\" not in literal
    return f'"{text}"' if is_double else literal
