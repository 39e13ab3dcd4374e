"""The seam to forges: what each adapter must offer. No behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mogplex.domain.forge import ForgeKind
from mogplex.domain.pull_request import KnownRequest, Proposal


class Forge(Protocol):
    """Pull and merge requests of one project. Blocks; raises ForgeBusy when asking again later may go well, else
    ForgeFault."""

    kind: ForgeKind

    def find_requests(self, branch: str) -> Sequence[KnownRequest]:
        """The open ones that would merge this branch of the project itself: never of a fork."""
        ...

    def open_request(self, proposal: Proposal, body: str) -> KnownRequest:
        """Raises AlreadyThere when there is one for branch and base."""
        ...

    def change_request(self, known: KnownRequest, body: str, draft: bool | None) -> None:
        """`draft` None leaves that as it is."""
        ...

    def label_request(self, known: KnownRequest, labels: Sequence[str]) -> None:
        """Besides those that it has."""
        ...
