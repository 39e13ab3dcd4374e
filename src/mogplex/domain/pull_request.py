"""Pull and merge requests: what is proposed, what is known of one, and the part of its text that is ours. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_BODY_CHARACTERS = 60_000  # GitHub takes 65,536
_OURS = re.compile(r"<!-- mogplex:begin( draft)? -->.*?<!-- mogplex:end -->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Proposal:
    """`section` is Markdown of ours, without HTML comments in it. `draft`: nothing vouches for the change."""

    branch: str
    base: str
    title: str
    section: str
    draft: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """`base` is the branch it is to be merged into. `node`: GitHub's other name of it."""

    number: int
    url: str
    base: str
    title: str
    body: str
    draft: bool
    node: str = ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """`notes` tell what was left undone without making the whole a failure."""

    url: str
    number: int
    created: bool
    notes: tuple[str, ...] = ()


def write_body(proposal: Proposal, earlier: str = "") -> str:
    """`earlier` with our section put in, in place of an older one; what others wrote around it stays."""
    mark = " draft" if proposal.draft else ""
    ours = f"<!-- mogplex:begin{mark} -->\n{proposal.section.strip()}\n<!-- mogplex:end -->"
    if _OURS.search(earlier):
        return _OURS.sub(lambda _: ours, earlier, count=1)
    return f"{earlier.rstrip()}\n\n{ours}".strip()


def draft_of(proposal: Proposal, known: KnownRequest) -> bool | None:
    """What its draft state is to become; None: it stays. Only a draft that is ours is made ready, and a request that
    others opened stays as it is."""
    found = _OURS.search(known.body)
    if found is None:
        return None
    if proposal.draft:
        return True
    return False if found[1] else None
