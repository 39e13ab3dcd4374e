"""All candidates in the order they are tried: prior x suspicion, with no line allowed to starve the others."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from .clues import NO_CLUES, Clues
from .edit import Candidate, Edit
from .interest import Interest
from .scope import Place, Proposal, Vocabulary
from .source import Source
from .spectra import Suspect
from .templates import all_templates
from .templates.template import Template

CROWD = 60  # after so many candidates on one line the next counts half
SUSPICION_WEIGHT = 2.0  # suspicion counts squared: a line twice as suspicious may take four times as many turns
AT_ONCE = 1  # suspects of which candidates are made before the next candidate is given out
IDLE_FACTOR, HIGHEST_IDLE_PRIOR = 2.5, 0.9  # for edits that use a name which nothing has used so far
WORD = re.compile(r"[^\W\d]\w*")
Kinds = dict[str, dict[int, dict[str, set[str]]]]  # relative path -> line -> name -> type names


def candidates_of(
    suspect: Suspect, words: Vocabulary, kinds: dict[str, set[str]], templates: Sequence[Template]
) -> list[Candidate]:
    """Every candidate on one statement, best first."""
    place = Place(suspect.source, suspect.statement, words, kinds)
    found: list[Candidate] = []
    for node in place.nodes():
        for template in templates:
            if isinstance(node, template.nodes):
                found += [_candidate(suspect, template, one, place) for one in _proposals(template, node, place)]
    found.sort(key=lambda one: -one.prior)
    factor = _factor(suspect)
    return [
        Candidate(
            one.path,
            one.line,
            one.edits,
            one.template,
            one.prior,
            one.prior * factor / (1 + number / CROWD),
            one.removes,
        )
        for number, one in enumerate(found)
    ]


def _proposals(template: Template, node: object, place: Place) -> Iterator[Proposal]:
    try:
        for proposal in template.propose(node, place):
            if any(place.source.text[edit.start : edit.end] != edit.text for edit in proposal.edits):
                yield proposal
    except (ValueError, SyntaxError):
        return  # an unusual layout (an operator that isn't where it should be): this template has nothing to say here


def _candidate(suspect: Suspect, template: Template, proposal: Proposal, place: Place) -> Candidate:
    prior = template.prior * proposal.weight * (0.3 if proposal.removes else 1.0)
    if place.idle and any(_brings_in(edit, place) for edit in proposal.edits):
        prior = max(prior, min(prior * IDLE_FACTOR, HIGHEST_IDLE_PRIOR))
    start = min(edit.start for edit in proposal.edits)
    line = suspect.source.line_of(start)
    return Candidate(suspect.source.path, line, proposal.edits, template.name, prior, 0.0, proposal.removes)


def _brings_in(edit: Edit, place: Place) -> bool:
    """Whether an edit reads a name that nothing has read so far."""
    words = set(WORD.findall(edit.text)) & place.idle
    return bool(words) and not words & set(WORD.findall(place.source.text[edit.start : edit.end]))


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
        self._left = deque(sorted(suspects, key=lambda one: -one.score))
        self._kinds = kinds
        self._clues = clues
        self._templates = all_templates()
        self._highest = max(template.prior for template in self._templates)
        self._words: dict[Source, Vocabulary] = {}
        self._seen: set[bytes] = set()
        self._heap: list[tuple[float, int, Candidate]] = []
        self._made = 0
        self._interest = Interest()

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
        """Make candidates of the suspects that may have a better one than the best at hand.

        Of a few suspects at a time: workers that wait cost more than an order that isn't strict in the beginning.
        """
        for _ in range(AT_ONCE):
            if not self._left or (self._heap and self._bound(self._left[0]) <= -self._heap[0][0]):
                return
            self._make(self._left.popleft())
        while self._left and not self._heap:
            self._make(self._left.popleft())

    def _make(self, suspect: Suspect) -> None:
        for candidate in self._of(suspect):
            key = hashlib.blake2b(repr((candidate.path, candidate.edits)).encode(), digest_size=12).digest()
            if key not in self._seen:
                self._seen.add(key)
                self._made += 1
                heapq.heappush(self._heap, (-candidate.score, self._made, candidate))

    def _bound(self, suspect: Suspect) -> float:
        return self._highest * _factor(suspect)

    def _of(self, suspect: Suspect) -> list[Candidate]:
        words = self._words.get(suspect.source)
        if words is None:
            words = self._words[suspect.source] = Vocabulary.of(suspect.source)
            words.clues = self._clues
        return candidates_of(suspect, words, _kinds_at(suspect, self._kinds), self._templates)


def ordered(suspects: Sequence[Suspect], kinds: Kinds) -> list[Candidate]:
    """All of them at once."""
    return list(Candidates(suspects, kinds))


def _factor(suspect: Suspect) -> float:
    return float(max(suspect.score, 0.01) ** SUSPICION_WEIGHT)


def _kinds_at(suspect: Suspect, kinds: Kinds) -> dict[str, set[str]]:
    """The types on the statement's line; for a line that was never traced, none are known."""
    return kinds.get(suspect.path, {}).get(suspect.statement.lineno, {})
