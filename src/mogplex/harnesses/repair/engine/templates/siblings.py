"""What stands next to a place in several copies, and lacks one: a guard of a row of guards, a filter, a conversion."""

from __future__ import annotations

import ast
import builtins
import functools
import re
from collections.abc import Iterator

from ..likeness import WORD, with_words
from ..scope import Place, Proposal
from .block import insert_after, insert_before
from .template import Template

NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
NEAR, BESIDE = 6, 3  # statements of one block
MAX_LINES, MAX_ROWS = 6, 12
IDLE, SPELLED = 2.0, 1.0  # a copy for a name that nothing reads; for one that the file has the same other words of


def row_continued(node: ast.If, place: Place) -> Iterator[Proposal]:
    """After `if isinstance(v, list): return self.of_list(v)` the same for `str`, if there is an `of_str`; after
    `if a is not None and a != self.a: continue` the same for `b`, which nothing reads."""
    if place.function is None or node.orelse or _is_elif(node, place):
        return
    indent = place.source.indent_of(node)
    text = [line[len(indent) :] if line.startswith(indent) else line for line in place.text(node).splitlines()]
    if len(text) > MAX_LINES:
        return
    for (old, new), weight in list(_renamings(node, place).items())[:MAX_ROWS]:
        lines = [_renamed(old, new, line) for line in text]
        for proposal in (insert_after(place, lines, weight), insert_before(place, lines, weight * 0.8)):
            if proposal is not None:
                yield proposal


def _is_elif(node: ast.If, place: Place) -> bool:
    parent = place.source.parents.get(node)
    start = place.source.span(node)[0]
    return isinstance(parent, ast.If) and place.source.text.startswith("elif", start)


def _renamed(old: str, new: str, text: str) -> str:
    """With another word for one, where it is a part of a name, too: `of_str` for `of_list`."""
    return re.sub(rf"(?<![^\W_]){re.escape(old)}(?![^\W_])", lambda found: new, text)


def _renamings(node: ast.If, place: Place) -> dict[tuple[str, str], float]:
    """(word, another) with weights: what makes of this statement one of its row that is missing."""
    found: dict[tuple[str, str], float] = {}
    words = list(dict.fromkeys(WORD.findall(place.text(node))))
    taken = {word for one in _row(node, place) for word in WORD.findall(place.text(one))}
    known = place.words.spelled
    for old in words:
        if old in place.names:
            for new in sorted(place.idle - {old}):
                found[old, new] = IDLE
    for old in _varying(node, place):
        for word in words:
            around = _renamed(old, "\0", word)
            if word == old or around == word:
                continue
            pattern = re.compile(re.escape(around).replace("\0", r"([^\W\d]\w*?)"))
            for other in sorted(known.keys() - taken):
                match = pattern.fullmatch(other)
                if match is not None and _has_all(_renamed(old, match.group(1), " ".join(words)), words, place):
                    found.setdefault((old, match.group(1)), SPELLED)
    return found


def _has_all(text: str, words: list[str], place: Place) -> bool:
    """Whether all words of a text have a meaning here, as far as that is to be seen."""
    known = {*words, *place.names, *dir(builtins)}
    return all(word in known or place.words.spelled[word] for word in text.split())


def _row(node: ast.If, place: Place) -> list[ast.If]:
    """The statements of the same shape around it, itself included."""
    block, number = place.source.block_of(node)
    near = block[max(0, number - NEAR) : number + NEAR + 1]
    long = (node.end_lineno or node.lineno) - node.lineno
    like = [one for one in near if isinstance(one, ast.If) and (one.end_lineno or one.lineno) - one.lineno == long]
    return [one for one in like if _shape(one) == _shape(node)]


@functools.lru_cache(maxsize=512)
def _shape(node: ast.AST) -> str:
    return re.sub(r"(?:id|attr|arg)='\w+'", "", ast.dump(node))


def _varying(node: ast.If, place: Place) -> list[str]:
    """The words of the statement that others of its row have other ones for, the shortest first."""
    mine = WORD.findall(place.text(node))
    found: dict[str, None] = {}
    for other in _row(node, place):
        theirs = WORD.findall(place.text(other))
        if other is not node and len(mine) == len(theirs):
            found.update(dict.fromkeys(one for one, their in zip(mine, theirs) if one != their))
    return sorted(found, key=len)[:2]


def like_neighbour(node: ast.Assign | ast.AugAssign, place: Place) -> Iterator[Proposal]:
    """After `a = int(a) if a else 1` the assignment `b = int(b)` to `b = int(b) if b else 1`: what a neighbour has
    more, where all that this one has is in the neighbour, too, with the other name."""
    block, number = place.source.block_of(node)
    mine, text = _target(node), place.text(node)
    words = set(WORD.findall(text))
    for other in (*block[max(0, number - BESIDE) : number], *block[number + 1 : number + 1 + BESIDE]):
        if not isinstance(other, (ast.Assign, ast.AugAssign)) or type(other) is not type(node):
            continue
        theirs = _target(other)
        if not (mine and theirs):
            continue
        renamed = _with_numbers(text, _renamed(theirs, mine, place.text(other)))
        if "\n" not in renamed and renamed != text and words < set(WORD.findall(renamed)):
            start, end = place.source.span(node)
            yield place.span_edit(start, end, renamed)


def _with_numbers(text: str, model: str) -> str:
    """The model with the numbers of the text, if it has as many."""
    own = NUMBER.findall(text)
    return NUMBER.sub(lambda _: own.pop(0), model) if len(own) == len(NUMBER.findall(model)) else model


def _target(node: ast.Assign | ast.AugAssign) -> str:
    """The name, or the attribute's name, that is assigned."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return getattr(target, "attr", getattr(target, "id", ""))


def like_other_side(node: ast.Compare | ast.BinOp, place: Place) -> Iterator[Proposal]:
    """`self != tuple(other)` to `tuple(self) != tuple(other)`, `a == b.lower()` to `a.lower() == b.lower()`."""
    if isinstance(node, ast.Compare) and len(node.ops) != 1:
        return
    left, right = node.left, node.right if isinstance(node, ast.BinOp) else node.comparators[0]
    for one, other in ((left, right), (right, left)):
        if not isinstance(other, ast.Call) or other.keywords or isinstance(one, ast.Constant):
            continue
        called = place.text(other.func)
        if isinstance(one, ast.Call) and place.text(one.func).rpartition(".")[2] == called.rpartition(".")[2]:
            continue
        text = place.grouped(one)
        is_alike = bool(place.kind_of(one)) and place.kind_of(one) <= place.kind_of(other)
        weight = 0.3 if is_alike or isinstance(node, ast.BinOp) else 1.0
        if len(other.args) == 1 and not isinstance(other.args[0], ast.Starred):
            yield place.replace(one, f"{called}({place.text(one)})", weight)
        elif not other.args and isinstance(other.func, ast.Attribute):
            inner = text if isinstance(one, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)) else f"({text})"
            yield place.replace(one, f"{inner}.{other.func.attr}()", weight)


def filter_like_others(node: ast.GeneratorExp | ast.ListComp | ast.SetComp, place: Place) -> Iterator[Proposal]:
    """`[i for i in v]` under `if after:` to `[i for i in v if i.start > after]`, where others of the same items have
    `if i.end > before` and the like."""
    own = node.generators[0]
    if place.function is None or len(node.generators) != 1 or own.ifs or not isinstance(own.target, ast.Name):
        return
    target = own.target.id
    tests = [
        one.ifs[0] for one in ast.walk(place.function)
        if isinstance(one, ast.comprehension) and len(one.ifs) == 1
        and place.text(one.target) == target and place.text(one.iter) == place.text(own.iter)
    ]  # fmt: skip
    attributes = sorted({one.attr for test in tests for one in ast.walk(test) if isinstance(one, ast.Attribute)})
    found: dict[str, float] = {}
    for test in tests:
        others = {one.id for one in ast.walk(test) if isinstance(one, ast.Name)} - {target}
        for name in [*_asked_around(place), *sorted(place.idle)]:
            renamed = with_words(dict.fromkeys(others, name), place.text(test))
            for attribute in attributes:
                near = 1.5 if _common(attribute, name) else 1.0
                other = re.sub(rf"\b{target}\.\w+", f"{target}.{attribute}", renamed)
                found[other] = max(found.get(other, 0.0), near)
    end = place.source.span(own.iter)[1]
    for text, weight in found.items():
        yield place.span_edit(end, end, f" if {text}", weight)


def _common(one: str, other: str) -> bool:
    """Whether two names begin with the same few letters."""
    return one[:3] == other[:3]


def _asked_around(place: Place) -> list[str]:
    """The names in the condition that the statement stands under."""
    above = place.source.parents.get(place.statement)
    test = above.test if isinstance(above, (ast.If, ast.While)) else None
    return [one.id for one in ast.walk(test) if isinstance(one, ast.Name)] if test is not None else []


TEMPLATES = [
    Template("row continued", 0.5, (ast.If,), row_continued),
    Template("like its neighbour", 0.6, (ast.Assign, ast.AugAssign), like_neighbour),
    Template("like the other side", 0.5, (ast.Compare, ast.BinOp), like_other_side),
    Template("filter like others", 0.5, (ast.GeneratorExp, ast.ListComp, ast.SetComp), filter_like_others),
]
