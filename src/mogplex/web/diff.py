"""A patch as people read it: by file, with numbered lines and the colours of its language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Token
from pygments.util import ClassNotFound

from mogplex.web.text import plain

MAX_LINES = 6000  # shown of a patch; the rest is in the file that can be downloaded
MAX_COLOURED_LINES = 3000
OPEN_LINES = 600  # a patch up to this size is shown unfolded
MAX_LINE_CHARACTERS = 2000
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)")
_CLASSES = (
    (Token.Comment, "c"),
    (Token.Literal.String, "s"),
    (Token.Literal.Number, "m"),
    (Token.Keyword, "k"),
    (Token.Operator.Word, "k"),
    (Token.Name.Function, "n"),
    (Token.Name.Class, "n"),
    (Token.Name.Decorator, "n"),
    (Token.Name.Tag, "k"),
)


@dataclass(slots=True)
class Line:
    """`kind` is add, del, context or hunk. Numbers are those of the old and the new file."""

    kind: str
    text: str
    old: int | None = None
    new: int | None = None
    html: Markup = field(default_factory=Markup)

    @property
    def sign(self) -> str:
        return {"add": "+", "del": "-"}.get(self.kind, " ")


@dataclass(slots=True)
class File:
    path: str
    change: str = "changed"
    old_path: str = ""
    binary: bool = False
    lines: list[Line] = field(default_factory=list)
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Diff:
    """`cut`: how many lines are not shown. `open`: it is short enough to be shown unfolded."""

    files: list[File]
    cut: int
    open: bool


def read_diff(patch: bytes) -> Diff:
    """Of git's own unified format; lines that are none of it are left out."""
    files: list[File] = []
    shown, cut = 0, 0
    for line in _lines_of(patch.decode("utf-8", "replace"), files):
        if shown >= MAX_LINES:
            cut += 1
        else:
            files[-1].lines.append(line)
            shown += 1
    for file in files:
        _colour(file, coloured=shown <= MAX_COLOURED_LINES)
    return Diff(files, cut, shown <= OPEN_LINES)


def _lines_of(text: str, files: list[File]) -> Iterator[Line]:
    old = new = 0
    in_hunk = False
    for raw in text.split("\n"):
        if raw.startswith("diff --git "):
            files.append(File(_path_of(raw)))
            in_hunk = False
        elif not files:
            continue
        elif hunk := _HUNK.match(raw):
            old, new, in_hunk = int(hunk[1]), int(hunk[2]), True
            yield Line("hunk", raw)
        elif not in_hunk:
            _read_head(files[-1], raw)
        elif raw[:1] == "+":
            files[-1].added += 1
            yield Line("add", raw[1:], None, new)
            new += 1
        elif raw[:1] == "-":
            files[-1].removed += 1
            yield Line("del", raw[1:], old, None)
            old += 1
        elif raw[:1] == " ":
            yield Line("context", raw[1:], old, new)
            old, new = old + 1, new + 1


def _read_head(file: File, raw: str) -> None:
    for prefix, change in (("new file", "added"), ("deleted file", "deleted"), ("rename to", "renamed")):
        if raw.startswith(prefix):
            file.change = change
    if raw.startswith("rename from "):
        file.old_path = _unquote(raw.removeprefix("rename from "))
    elif raw.startswith("rename to "):
        file.path = _unquote(raw.removeprefix("rename to "))
    elif raw.startswith("+++ ") and raw != "+++ /dev/null":
        file.path = _unquote(raw[4:].rstrip("\t")).removeprefix("b/")
    elif raw.startswith(("Binary files ", "GIT binary patch")):
        file.binary = True


def _path_of(raw: str) -> str:
    """From `diff --git a/x b/x`: a first guess, which lines below correct."""
    return _unquote(raw.removeprefix("diff --git ").partition(" b/")[2] or raw)


def _unquote(path: str) -> str:
    """git writes unusual names in quotes with octal bytes."""
    if len(path) < 2 or path[0] != '"' or path[-1] != '"':
        return plain(path)
    octal = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path[1:-1])
    return plain(octal.encode("latin-1", "replace").decode("utf-8", "replace").replace('\\"', '"'))


def _colour(file: File, *, coloured: bool) -> None:
    lexer = _lexer_for(file.path) if coloured else None
    for line in file.lines:
        line.html = escape(_shown(line.text))
    if lexer is None:
        return
    for hunk in _hunks(file.lines):
        # Each side is read as a whole, so that a string over several lines is known as one.
        for side, own in (("del", ("del",)), ("add", ("add", "context"))):
            lines = [line for line in hunk if line.kind in (side, "context")]
            for line, html in zip(lines, _paint(lexer, [_shown(line.text) for line in lines]), strict=False):
                if line.kind in own:
                    line.html = html


def _hunks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    hunk: list[Line] = []
    for line in lines:
        if line.kind == "hunk":
            yield hunk
            hunk = []
        else:
            hunk.append(line)
    yield hunk


def _paint(lexer: Lexer, texts: Sequence[str]) -> list[Markup]:
    painted: list[list[Markup]] = [[]]
    for kind, value in lexer.get_tokens("\n".join(texts) + "\n"):
        name = _class_of(kind)
        for place, part in enumerate(value.split("\n")):
            if place:
                painted.append([])
            if part:
                painted[-1].append(Markup('<span class="{}">{}</span>').format(name, part) if name else escape(part))
    return [Markup("").join(parts) for parts in painted]


def _class_of(kind: Any) -> str:
    return next((name for group, name in _CLASSES if kind in group), "")


def _lexer_for(path: str) -> Lexer | None:
    try:
        found: Lexer = get_lexer_for_filename(path, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return found


def _shown(text: str) -> str:
    text = plain(text)
    return text if len(text) <= MAX_LINE_CHARACTERS else text[:MAX_LINE_CHARACTERS] + "…"
