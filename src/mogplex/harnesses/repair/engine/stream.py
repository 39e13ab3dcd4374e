"""The candidates of one suspicious statement, made template by template, the likeliest templates first."""

from __future__ import annotations

import ast
import heapq
from collections.abc import Iterator, Sequence

from .edit import Candidate, Edit
from .likeness import WORD
from .scope import Place, Proposal
from .spectra import Suspect
from .templates.template import Template
from .vocabulary import Vocabulary

CROWD = 60  # after so many candidates on one line the next counts half
SUSPICION_WEIGHT = 2.0  # suspicion counts squared: a line twice as suspicious may take four times as many turns
IDLE_FACTOR, HIGHEST_IDLE_PRIOR = 2.5, 0.9  # for edits that use a name which nothing has used so far
EVIDENT_FACTOR = 0.25  # what a statement is suspected at least that is plainly wrong
TOO_DEEP = (RecursionError, SystemError)  # what Python says of code that is nested too deeply; some versions the latter


class Stream:
    """One suspect's candidates, best first. A statement has hundreds, and most of them are never reached: a template is
    asked only once nothing that is left can be better than what it might say."""

    def __init__(
        self, suspect: Suspect, words: Vocabulary, kinds: dict[str, set[str]], templates: Sequence[Template]
    ) -> None:
        self._suspect = suspect
        self._place = Place(suspect.source, suspect.statement, words, kinds)
        self._nodes: list[ast.AST] = list(self._place.nodes())
        kinds_of_nodes = {type(node) for node in self._nodes}
        fitting = [one for one in templates if any(issubclass(kind, one.nodes) for kind in kinds_of_nodes)]
        self._factor = factor_of(suspect)
        self._evident = evident_in(suspect, fitting)
        self._templates = sorted(fitting, key=lambda one: -self._most(one))
        self._next = 0
        self._held: list[tuple[float, int, Candidate]] = []  # heap: -prior, number; a later template may be better
        self._made = 0
        self._given = 0

    @property
    def bound(self) -> float:
        """What the next candidate scores at most, but for the few whose weight is above 1; 0 when none is left."""
        return self._score(self._most(self._templates[self._next])) if self._next < len(self._templates) else 0.0

    def step(self) -> list[Candidate]:
        """Ask the next template; what is due by now."""
        template = self._templates[self._next]
        self._next += 1
        for node in self._nodes:
            if isinstance(node, template.nodes):
                for proposal in _proposals(template, node, self._place):
                    self._made += 1
                    one = _candidate(self._suspect, template, proposal, self._place)
                    heapq.heappush(self._held, (-one.prior * self._boost(template), self._made, one))
        least = self._most(self._templates[self._next]) if self._next < len(self._templates) else 0.0
        ready: list[Candidate] = []
        while self._held and -self._held[0][0] >= least:
            worth, _, one = heapq.heappop(self._held)
            score = self._score(-worth)
            ready.append(Candidate(one.path, one.line, one.edits, one.template, one.prior, score, one.removes))
            self._given += 1
        return ready

    def _score(self, prior: float) -> float:
        return prior * self._factor / (1 + self._given / CROWD)

    def _most(self, template: Template) -> float:
        """The prior of its candidates of weight 1 here; few weigh more, or bring in what the module never uses."""
        has_idle = self._place.idle or self._place.idle_members
        return (_boosted(template.prior) if has_idle else template.prior) * self._boost(template)

    def _boost(self, template: Template) -> float:
        return max(1.0, EVIDENT_FACTOR / self._factor) if template in self._evident else 1.0


def candidates_of(
    suspect: Suspect, words: Vocabulary, kinds: dict[str, set[str]], templates: Sequence[Template]
) -> list[Candidate]:
    """Every candidate on one statement, best first."""
    stream = Stream(suspect, words, kinds, templates)
    found: list[Candidate] = []
    while stream.bound > 0:
        found += stream.step()
    return found


def evident_in(suspect: Suspect, templates: Sequence[Template]) -> list[Template]:
    """Those that a statement is plainly a case for."""
    return [one for one in templates if one.is_evident is not None and one.is_evident(suspect.statement)]


def bound_of(suspect: Suspect, templates: Sequence[Template], highest: float) -> float:
    """What its candidates score at most; `highest` is the highest prior of all."""
    return highest * max(factor_of(suspect), EVIDENT_FACTOR if evident_in(suspect, templates) else 0.0)


def factor_of(suspect: Suspect) -> float:
    """What a prior is worth on this suspect's line."""
    return float(max(suspect.score, 0.01) ** SUSPICION_WEIGHT)


def _boosted(prior: float) -> float:
    return max(prior, min(prior * IDLE_FACTOR, HIGHEST_IDLE_PRIOR))


def _proposals(template: Template, node: object, place: Place) -> Iterator[Proposal]:
    try:
        for proposal in template.propose(node, place):
            if any(place.source.text[edit.start : edit.end] != edit.text for edit in proposal.edits):
                yield proposal
    except TOO_DEEP:
        return  # a sum of hundreds of terms
    except (ValueError, SyntaxError):
        return  # an unusual layout (an operator that isn't where it should be): this template has nothing to say here


def _candidate(suspect: Suspect, template: Template, proposal: Proposal, place: Place) -> Candidate:
    prior = template.prior * proposal.weight * (0.3 if proposal.removes else 1.0)
    if place.unread and any(_brings_in(edit, place) for edit in proposal.edits):
        prior = _boosted(prior)
    start = min(edit.start for edit in proposal.edits)
    line = suspect.source.line_of(start)
    return Candidate(suspect.source.path, line, proposal.edits, template.name, prior, 0.0, proposal.removes)


def _brings_in(edit: Edit, place: Place) -> bool:
    """Whether an edit reads a name that nothing has read so far."""
    words = set(WORD.findall(edit.text)) & place.unread
    return bool(words) and not words & set(WORD.findall(place.source.text[edit.start : edit.end]))
