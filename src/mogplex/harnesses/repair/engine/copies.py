"""The same mistake made again: other places of the same shape, where the same edit can be made."""

from __future__ import annotations

import ast
import functools
import heapq
import io
import itertools
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import replace

from .candidates import Queue
from .edit import Candidate, Edit
from .source import Source

MAX_COPIES = 4  # places besides the first; what stands everywhere is hardly wrong everywhere
SHARE = 0.1  # of the score of an edit, for the same one in all places


class Copies:
    """The expressions of one file, by their shapes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        nodes = [node for node in ast.walk(source.tree) if isinstance(node, ast.expr)]
        self._spans = {node: source.span(node) for node in nodes}
        self._alike: dict[str, list[ast.expr]] = {}
        for node in nodes:
            self._alike.setdefault(_shape(node), []).append(node)

    def everywhere(self, candidate: Candidate) -> Candidate | None:
        """The edit at its own place and at every other one of its shape in the same function, as one candidate.

        None when there is no other place, or when there are too many.
        """
        if len(candidate.edits) != 1 or candidate.removes:
            return None
        others = list(itertools.islice(self._others(candidate.edits[0], is_near=True), MAX_COPIES + 1))
        if not 0 < len(others) <= MAX_COPIES:
            return None
        return replace(
            candidate,
            edits=(candidate.edits[0], *others),
            template=f"{candidate.template}, repeated",
            score=candidate.score * SHARE,
        )

    def elsewhere(self, candidate: Candidate) -> list[Candidate]:
        """The edit at other places of its shape in the file, without the first; those of the same function first."""
        if len(candidate.edits) != 1:
            return []
        edit = candidate.edits[0]
        places = itertools.chain(self._others(edit, is_near=True), self._others(edit, is_near=False))
        return [
            replace(candidate, edits=(one,), line=self._source.line_of(one.start))
            for one in itertools.islice(places, 2 * MAX_COPIES)
        ]

    def _others(self, edit: Edit, is_near: bool) -> Iterator[Edit]:
        """The same replacement of whole words in expressions that differ from the edited one in names and constants."""
        node = self._innermost(edit)
        if node is None:
            return
        start, words = self._words_of(node)
        inside = [word for word in words if edit.start <= start + word[0] and start + word[1] <= edit.end]
        if not inside or (start + inside[0][0], start + inside[-1][1]) != (edit.start, edit.end):
            return  # a part of a word, or nothing but layout
        first, last = words.index(inside[0]), words.index(inside[-1])
        function = self._source.function_of(node)
        for other in self._alike[_shape(node)]:
            if other is node or (self._source.function_of(other) is function) is not is_near:
                continue
            begin, theirs = self._words_of(other)
            if len(theirs) == len(words) and [one[2] for one in theirs[first : last + 1]] == [one[2] for one in inside]:
                yield Edit(begin + theirs[first][0], begin + theirs[last][1], edit.text)

    def _words_of(self, node: ast.expr) -> tuple[int, list[tuple[int, int, str]]]:
        start, end = self._spans[node]
        return start, _words(self._source.text[start:end])

    def _innermost(self, edit: Edit) -> ast.expr | None:
        """The smallest expression around an edit."""
        around = (node for node, span in self._spans.items() if span[0] <= edit.start and edit.end <= span[1])
        return min(around, key=lambda node: self._spans[node][1] - self._spans[node][0], default=None)


class Repeated:
    """A queue that, long after a candidate, also gives out the same edit in all places of its shape.

    Their copies are looked for when it is their turn only: most never come to it.
    """

    def __init__(self, queue: Queue, sources: Iterable[Source]) -> None:
        self._queue = queue
        self._sources = {source.path: source for source in sources}
        self._given: list[tuple[float, int, Candidate]] = []  # heap of those given out: -score of its copies, number
        self._number = 0
        self._next: Candidate | None = None

    def __bool__(self) -> bool:
        self._fill()
        return self._next is not None

    @property
    def best_score(self) -> float:
        self._fill()
        return self._next.score if self._next else 0.0

    def pop(self) -> Candidate:
        """Raises IndexError when none is left."""
        self._fill()
        if self._next is None:
            raise IndexError("no candidate is left")
        candidate, self._next = self._next, None
        return candidate

    def note(self, candidate: Candidate, changed: bool) -> None:
        self._queue.note(candidate, changed)

    def _fill(self) -> None:
        while self._next is None and (self._queue or self._given):
            if self._given and not (self._queue and self._queue.best_score >= -self._given[0][0]):
                candidate = heapq.heappop(self._given)[2]
                self._next = copies_in(self._sources[candidate.path]).everywhere(candidate)
            else:
                self._next = self._queue.pop()
                self._number += 1
                heapq.heappush(self._given, (-self._next.score * SHARE, self._number, self._next))


@functools.lru_cache(maxsize=16)
def copies_in(source: Source) -> Copies:
    return Copies(source)


@functools.lru_cache(maxsize=4096)
def _words(text: str) -> list[tuple[int, int, str]]:
    """(start, end, text) of the words of an expression on one line; [] of one on several."""
    if "\n" in text:
        return []
    try:
        every = list(tokenize.generate_tokens(io.StringIO(f"({text})").readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    return [(one.start[1] - 1, one.end[1] - 1, one.string) for one in every if one.string.strip()][1:-1]


def _shape(node: ast.AST) -> str:
    """What an expression looks like without its names and constants; its operators count as such."""
    if isinstance(node, (ast.operator, ast.cmpop, ast.boolop, ast.unaryop)):
        return "operator"
    if isinstance(node, (ast.Name, ast.Constant)):
        return "word"
    inner = ",".join(_shape(child) for child in ast.iter_child_nodes(node))
    return f"{type(node).__name__}({inner})"
