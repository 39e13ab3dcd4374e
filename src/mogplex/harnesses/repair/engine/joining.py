"""Two edits made into one, and an edit of the original carried over to a text that another one has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
    both = Candidate(
        one.path, min(one.line, two.line), (edit,), f"{one.template}, and {two.template}", one.prior * two.prior,
        one.score * two.score, one.removes or two.removes,
    )  # fmt: skip
    return Plausible(both, replace(second.compiled, code=None))


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next((place for place, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def on_top_of(first: Plausible, others: Sequence[Plausible], edited: Source) -> list[Candidate]:
    """The candidates of `others` (the most promising first) that lie elsewhere in the same file, on the text `edited`
    that has the first edit.

    Those that mend what the first doesn't come first: of two faults, each breaking other tests, each has its own edit.
    """
    done = set(first.mends)
    ranked = sorted(others, key=lambda one: -len(set(one.mends) - done))
    carried = (_carried(one.candidate, first.candidate, edited) for one in ranked if one is not first)
    return [one for one in carried if one is not None][:MAX_CARRIED]


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
