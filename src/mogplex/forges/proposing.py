"""One request a branch: opened if there is none, else updated; done again it is the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mogplex.domain.forge import AlreadyThere, ForgeFault
from mogplex.domain.forge_port import Forge
from mogplex.domain.pull_request import KnownRequest, Proposal, Proposed, draft_of, write_body


def propose(forge: Forge, proposal: Proposal, still_wanted: Callable[[], bool] = lambda: True) -> Proposed:
    """`still_wanted` is asked before anything is changed: whoever waited may have been told to stop.

    Raises ForgeBusy, ForgeFault. After either it may be called again: nothing is ever opened twice.
    """
    try:
        return _propose(forge, proposal, still_wanted)
    except (AttributeError, KeyError, TypeError, ValueError) as fault:  # read from an answer of another shape
        raise ForgeFault(
            f"The forge's answer is not that of a {forge.kind} API: check its kind and URL (mogplex repos set REPO "
            "--forge github|gitlab|gitea --forge-url https://HOST/api/…)."
        ) from fault


def _propose(forge: Forge, proposal: Proposal, still_wanted: Callable[[], bool]) -> Proposed:
    known = choose(forge.find_requests(proposal.branch), proposal.base)
    if not still_wanted():
        raise ForgeFault("The pull request is not wanted any more.")
    if known is not None:
        return _update(forge, known, proposal)
    try:
        opened = forge.open_request(proposal, write_body(proposal))
    except AlreadyThere:  # somebody was faster
        known = choose(forge.find_requests(proposal.branch), proposal.base)
        if known is None:
            raise
        return _update(forge, known, proposal)
    return Proposed(opened.url, opened.number, True, _label(forge, opened, proposal))


def choose(found: Sequence[KnownRequest], base: str) -> KnownRequest | None:
    """Of several for one branch that which goes to `base`, else the oldest: another would be a second one."""
    return min(found, key=lambda each: (each.base != base, each.number), default=None)


def _update(forge: Forge, known: KnownRequest, proposal: Proposal) -> Proposed:
    forge.change_request(known, write_body(proposal, known.body), draft_of(proposal, known))
    return Proposed(known.url, known.number, False, _label(forge, known, proposal))


def _label(forge: Forge, known: KnownRequest, proposal: Proposal) -> tuple[str, ...]:
    if not proposal.labels:
        return ()
    try:
        forge.label_request(known, proposal.labels)
    except ForgeFault as fault:  # often a permission of its own, and the request is there
        return (f"Its labels could not be set: {fault.message}",)
    return ()
