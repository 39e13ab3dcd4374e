"""All candidates in the order they are tried: prior x suspicion, with no line allowed to starve the others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from .edit import Candidate
from .scope import Place, Proposal, Vocabulary
from .source import Source
from .spectra import Suspect
from .templates import all_templates
from .templates.template import Template

CROWD = 60  # after so many candidates on one line the next counts half
SUSPICION_WEIGHT = 2.0  # suspicion counts squared: a line twice as suspicious may take four times as many turns
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
                found += [_candidate(suspect, template, one) for one in _proposals(template, node, place)]
    found.sort(key=lambda one: -one.prior)
    factor = max(suspect.score, 0.01) ** SUSPICION_WEIGHT
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


def _candidate(suspect: Suspect, template: Template, proposal: Proposal) -> Candidate:
    prior = template.prior * proposal.weight * (0.3 if proposal.removes else 1.0)
    start = min(edit.start for edit in proposal.edits)
    line = suspect.source.line_of(start)
    return Candidate(suspect.source.path, line, proposal.edits, template.name, prior, 0.0, proposal.removes)


def ordered(suspects: Sequence[Suspect], kinds: Kinds, wanted_exceptions: Sequence[str] = ()) -> list[Candidate]:
    """The candidates of all suspects, best first, without repeats of the same edit.

    `wanted_exceptions` are names of exceptions that failing tests wait for in vain.
    """
    words: dict[Source, Vocabulary] = {}
    templates = all_templates()
    seen: set[bytes] = set()
    every: list[Candidate] = []
    for suspect in suspects:
        if suspect.source not in words:
            words[suspect.source] = Vocabulary.of(suspect.source)
            words[suspect.source].wanted_exceptions = list(wanted_exceptions)
        here = _kinds_at(suspect, kinds)
        for candidate in candidates_of(suspect, words[suspect.source], here, templates):
            key = hashlib.blake2b(repr((candidate.path, candidate.edits)).encode(), digest_size=12).digest()
            if key not in seen:
                seen.add(key)
                every.append(candidate)
    every.sort(key=lambda one: -one.score)
    return every


def _kinds_at(suspect: Suspect, kinds: Kinds) -> dict[str, set[str]]:
    """The types on the statement's line; for a line that was never traced, none are known."""
    return kinds.get(suspect.path, {}).get(suspect.statement.lineno, {})
