"""Workers, harnesses and sandboxes: what runs where, and what can run at all."""

from __future__ import annotations

from starlette.responses import Response

from mogplex.web.page import Page
from mogplex.web.visit import Visit

SHOWN_SANDBOXES = 50


def show(visit: Visit) -> Response:
    return visit.show(
        "workers.html",
        pressure=visit.rooms.report.pressure(visit.caller),
        harnesses=visit.rooms.harnesses(),
        sandboxes=visit.rooms.sandboxes.list(visit.caller, limit=SHOWN_SANDBOXES).items,
    )


PAGES = (Page("GET", "/workers", show),)
