"""All candidates in the order they are tried: prior x suspicion, with no line allowed to starve the others."""

from __future__ import annotations

import hashlib
import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from .clues import NO_CLUES, Clues
from .edit import Candidate
from .interest import Interest
from .source import Source, header_lines
from .spectra import Suspect
from .stream import HIGHEST_IDLE_PRIOR, Stream, bound_of
from .templates import all_templates
from .vocabulary import Vocabulary

STEPS_AT_ONCE = 12  # templates asked about a suspect before the next candidate is given out
Kinds = dict[str, dict[int, dict[str, set[str]]]]  # relative path -> line -> name -> type names


class Queue(Protocol):
    """What a search takes candidates from, best first."""

    def __bool__(self) -> bool: ...

    @property
    def best_score(self) -> float: ...

    def pop(self) -> Candidate: ...

    def note(self, candidate: Candidate, changed: bool) -> None:
        """What was seen of a candidate: whether a failing test fails differently with it."""
        ...


class Listed:
    """A queue of a few that are there already, in the order given."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._left = deque(candidates)

    def __bool__(self) -> bool:
        return bool(self._left)

    @property
    def best_score(self) -> float:
        return self._left[0].score

    def pop(self) -> Candidate:
        return self._left.popleft()

    def note(self, candidate: Candidate, changed: bool) -> None:
        """Nothing: the order is given."""


class Candidates:
    """The candidates of all suspects, best first, without repeats of the same edit.

    Made as they are needed: a large file has hundreds of thousands, and few are ever tried.
    """

    def __init__(self, suspects: Sequence[Suspect], kinds: Kinds, clues: Clues = NO_CLUES) -> None:
        self._kinds = kinds
        self._clues = clues
        self._templates = all_templates()
        highest = max(HIGHEST_IDLE_PRIOR, *(template.prior for template in self._templates))
        bounds = [(bound_of(one, self._templates, highest), one) for one in suspects]
        self._left = deque(sorted(bounds, key=lambda pair: -pair[0]))
        self._words: dict[Source, Vocabulary] = {}
        self._seen: set[bytes] = set()
        self._heap: list[tuple[float, int, Candidate]] = []
        self._made = 0
        self._interest = Interest()
        self._streams: list[tuple[float, int, Stream]] = []  # heap of those begun: -bound, number, stream
        self._opened = 0

    def __bool__(self) -> bool:
        self._fill()
        return bool(self._heap)

    def __iter__(self) -> Iterator[Candidate]:
        while self:
            yield self.pop()

    @property
    def best_score(self) -> float:
        """Of the next one; there must be one."""
        self._fill()
        return -self._heap[0][0]

    def pop(self) -> Candidate:
        """Raises IndexError when none is left."""
        while True:
            self._fill()
            listed, number, candidate = heapq.heappop(self._heap)
            worth = -candidate.score * self._interest.factor(candidate)
            if worth <= listed or not self._heap or worth <= self._heap[0][0]:
                return candidate
            heapq.heappush(self._heap, (worth, number, candidate))

    def note(self, candidate: Candidate, changed: bool) -> None:
        self._interest.note(candidate, changed)

    def _fill(self) -> None:
        """Make candidates as long as there may be a better one than the best at hand.

        Not too many at a time: workers that wait cost more than an order that isn't strict in the beginning.
        """
        steps = 0
        while self._left or self._streams:
            waiting = self._left[0][0] if self._left else 0.0
            running = -self._streams[0][0] if self._streams else 0.0
            if self._heap and (steps >= STEPS_AT_ONCE or max(waiting, running) <= -self._heap[0][0]):
                return
            steps += 1
            if waiting >= running:
                stream = self._open(self._left.popleft()[1])
            else:
                stream = heapq.heappop(self._streams)[2]
                self._take(stream.step())
            if stream.bound > 0:
                self._opened += 1
                heapq.heappush(self._streams, (-stream.bound, self._opened, stream))

    def _take(self, candidates: Sequence[Candidate]) -> None:
        for candidate in candidates:
            key = hashlib.blake2b(repr((candidate.path, candidate.edits)).encode(), digest_size=12).digest()
            if key not in self._seen:
                self._seen.add(key)
                self._made += 1
                heapq.heappush(self._heap, (-candidate.score, self._made, candidate))

    def _open(self, suspect: Suspect) -> Stream:
        words = self._words.get(suspect.source)
        if words is None:
            words = self._words[suspect.source] = Vocabulary.of(suspect.source)
            words.clues = self._clues
        return Stream(suspect, words, _kinds_at(suspect, self._kinds), self._templates)


def ordered(suspects: Sequence[Suspect], kinds: Kinds) -> list[Candidate]:
    """All of them at once."""
    return list(Candidates(suspects, kinds))


def _kinds_at(suspect: Suspect, kinds: Kinds) -> dict[str, set[str]]:
    """The types on the statement's lines, those of lambdas and comprehensions in it included; for lines that were never
    traced, none are known."""
    found: dict[str, set[str]] = {}
    known = kinds.get(suspect.path, {})
    for line in header_lines(suspect.statement):
        for name, seen in known.get(line, {}).items():
            found[name] = found.get(name, set()) | seen
    return found
