"""Texts that say how other texts look: regular expressions, dates, and the formats of f-strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..scope import Place, Proposal
from .template import Template

GREEDY = re.compile(r"(\.[*+])([^\s\w\\?*+.|()\[\]{}^$])")
FIELD = re.compile(
    r"\{(?P<what>[^{}:!]*)(?P<how>![rsa])?"
    r"(?::(?:(?P<fill>[^{}]?)(?P<align>[<>^=]))?(?P<sign>[-+ ]?)(?P<zero>0?)(?P<width>\d*)(?P<comma>[,_]?)"
    r"(?P<precision>(?:\.\d+)?)(?P<type>[bcdeEfFgGnosxX%]?))?\}"
)
PRINTED = re.compile(r"(%[-+ #0]*\d*)((?:\.\d*)?)([dfgse])")
TYPES = {"f": "gd", "d": "fs", "x": "Xo", "X": "x", "s": "r", "g": "f", "e": "fg", "%": "f", "": "dsf"}


def pattern_variant(node: ast.Constant, place: Place) -> Iterator[Proposal]:
    """Small slips in regular expressions and formats: a quantifier, an anchor, a class."""
    value = node.value
    literal = place.text(node)
    if not isinstance(value, str) or len(literal) > 200 or not set(value) & set("\\%[]{}^$+*?"):
        return
    swaps = (
        ("+", "*"), ("*", "+"), ("+", ""), ("*", ""), ("?", ""), ("^", ""), ("$", ""), ("\\d", "\\w"), ("\\w", "\\d"),
        ("\\s", "\\S"), ("\\S", "\\s"), ("\\W", "\\w"), ("\\w", "\\W"), ("[^", "["), ("[", "[^"), ("a-z", "a-zA-Z"),
        ("%d", "%s"), ("%H", "%I"), ("%I", "%H"), ("%m", "%M"), ("%M", "%m"), ("%y", "%Y"), ("%Y", "%y"), (".", "\\."),
        ("|", ""), ("0-9", "1-9"), ("1-9", "0-9"), (".*", ".*?"), (".+", ".+?"), (".*?", ".*"), (".+?", ".+"),
    )  # fmt: skip
    start, _ = place.source.span(node)
    for found in GREEDY.finditer(literal):  # `<.*>` takes all up to the last `>`
        yield place.span_edit(
            start + found.start(1), start + found.end(1), f"[^{found.group(2)}]{found.group(1)[1]}", 0.8
        )
    for old, new in swaps:
        position = literal.find(old, 1)
        count = 0
        while position > 0 and count < 4:
            yield place.span_edit(start + position, start + position + len(old), new, 1.0 / (1 + count))
            position = literal.find(old, position + 1)
            count += 1


def format_variant(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """Small slips in `{value:>10,.2f}`: alignment, width, thousands, precision, `!r`.

    Works on the text: before Python 3.12 nothing says where the parts of an f-string stand.
    """
    if isinstance(node, ast.Constant) and (not isinstance(node.value, str) or not set("{%") & set(node.value)):
        return
    literal = place.text(node)
    if len(literal) > 300:
        return
    start, _ = place.source.span(node)
    for field in FIELD.finditer(literal):
        for text, weight in _formats_like(field):
            if text != field.group():
                yield place.span_edit(start + field.start(), start + field.end(), text, weight)
    for field in PRINTED.finditer(literal):
        head, digits, kind = field.groups()
        number = int(digits[1:] or 0) if digits else 0
        others = [f"{head}.{one}{kind}" for one in (number - 1, number + 1, 2, 0) if one >= 0]
        for text in dict.fromkeys([*others, f"{head}{digits}r"]):
            if text != field.group():
                yield place.span_edit(start + field.start(), start + field.end(), text, 0.7)


def _formats_like(field: re.Match[str]) -> Iterator[tuple[str, float]]:
    parts = {name: text or "" for name, text in field.groupdict().items()}

    def written(**changed: str) -> str:
        new = {**parts, **changed}
        spec = "".join(new[name] for name in ("fill", "align", "sign", "zero", "width", "comma", "precision", "type"))
        return f"{{{new['what']}{new['how']}{':' if spec else ''}{spec}}}"

    yield written(how="" if parts["how"] else "!r"), 1.0
    if ":" not in field.group():
        return
    for align in "<>^":
        yield written(align=align, fill=parts["fill"] if parts["align"] else ""), 1.0 if parts["align"] else 0.5
    yield written(comma="" if parts["comma"] else ","), 0.8
    yield written(zero="" if parts["zero"] else "0"), 0.7
    yield written(sign="" if parts["sign"] else "+"), 0.4
    if parts["width"]:
        for width in (int(parts["width"]) - 1, int(parts["width"]) + 1):
            yield written(width=str(width) if width else ""), 0.8
        yield written(width=""), 0.3
    if parts["precision"]:
        for digits in {max(0, int(parts["precision"][1:]) - 1), int(parts["precision"][1:]) + 1, 0, 2}:
            yield written(precision=f".{digits}"), 0.7
        yield written(precision=""), 0.4
    for kind in TYPES.get(parts["type"], ""):
        yield written(type=kind), 0.5
    if parts["type"]:
        yield written(type=""), 0.4


TEMPLATES = [
    Template("pattern variant", 0.12, (ast.Constant,), pattern_variant),
    Template("format variant", 0.3, (ast.JoinedStr, ast.Constant), format_variant),
]
