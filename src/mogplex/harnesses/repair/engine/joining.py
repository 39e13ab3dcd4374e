"""Two edits made into one, and an edit of the original carried over to a text that another one has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .copies import copies_in
from .edit import Candidate, Edit
from .source import Source
from .trial import Plausible

MAX_CARRIED = 150


def joined(before: str, first: Plausible, second: Plausible) -> Plausible:
    """Both edits as one candidate on the text `before`; the second was made on top of the first."""
    after = second.compiled.text
    start = _alike(before, after)
    room = min(len(before), len(after)) - start
    end = _alike(before[::-1][:room], after[::-1][:room])
    edit = Edit(start, len(before) - end, after[start : len(after) - end])
    one, two = first.candidate, second.candidate
    is_copy = _words(before, one) == _words(first.compiled.text, two)  # one mistake, copied: as likely as one
    both = Candidate(
        one.path, min(one.line, two.line), (edit,), f"{one.template}, and {two.template}",
        max(one.prior, two.prior) if is_copy else one.prior * two.prior, one.score * two.score,
        one.removes or two.removes,
    )  # fmt: skip
    return Plausible(both, replace(second.compiled, code=None), is_pair=True)


def _words(text: str, candidate: Candidate) -> list[tuple[str, str]]:
    """What is replaced by what."""
    return [(text[edit.start : edit.end], edit.text) for edit in candidate.edits]


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next((place for place, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def on_top_of(first: Plausible, others: Sequence[Plausible], source: Source, edited: Source) -> list[Candidate]:
    """The candidates of `others` (the most promising first) that lie elsewhere in the same file, on the text `edited`
    that has the first edit.

    The first edit made again at a place like its own comes before them: mistakes are copied. Then those that mend what
    the first doesn't: of two faults, each breaking other tests, each has its own edit.
    """
    done = set(first.mends)
    ranked = sorted(others, key=lambda one: -len(set(one.mends) - done))
    candidates = [*copies_in(source).elsewhere(first.candidate), *(one.candidate for one in ranked if one is not first)]
    carried = (_carried(one, first.candidate, edited) for one in candidates)
    return [one for one in carried if one is not None][:MAX_CARRIED]


def without(first: Plausible, second: Plausible, source: Source) -> Candidate | None:
    """The second of two edits on the text without the first; None when they touch the same text."""
    inverse: list[Edit] = []
    shift = 0
    for edit in sorted(first.candidate.edits, key=lambda one: one.start):
        start = edit.start + shift
        inverse.append(Edit(start, start + len(edit.text), source.text[edit.start : edit.end]))
        shift += len(edit.text) - (edit.end - edit.start)
    return _carried(second.candidate, replace(first.candidate, edits=tuple(inverse)), source)


def _carried(candidate: Candidate, over: Candidate, edited: Source) -> Candidate | None:
    """A candidate after the edits of another; None when they touch the same text, or are of different files."""
    if candidate.path != over.path:
        return None
    moved: list[Edit] = []
    for edit in candidate.edits:
        if any(one.start <= edit.end and edit.start <= one.end for one in over.edits):
            return None
        shift = sum(len(one.text) - (one.end - one.start) for one in over.edits if one.end <= edit.start)
        moved.append(Edit(edit.start + shift, edit.end + shift, edit.text))
    line = edited.line_of(min(edit.start for edit in moved))
    return replace(candidate, edits=tuple(moved), line=line)
