"""A page: its address, what a key needs to see it, and what answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from mogplex.domain.access import Scope
from mogplex.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Page:
    """`answer` runs in a worker thread and may block. `open`: also for who is not signed in."""

    method: str
    path: str
    answer: Callable[[Visit], Response]
    needs: Scope | None = Scope.READ
    open: bool = False
