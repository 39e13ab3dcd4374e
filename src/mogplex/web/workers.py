"""Workers, harnesses and sandboxes: what runs where, what can run at all, and what is weaker than it should be."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mogplex.web.page import Page
from mogplex.web.visit import Visit

SHOWN_SANDBOXES = 50


def show(visit: Visit) -> Response:
    pressure = visit.rooms.report.pressure(visit.caller)
    return visit.show(
        "workers.html",
        pressure=pressure,
        weaknesses=gather_weaknesses(visit, pressure),
        harnesses=visit.rooms.harnesses(),
        sandboxes=visit.rooms.sandboxes.list(visit.caller, limit=SHOWN_SANDBOXES).items,
    )


def show_table(visit: Visit) -> Response:
    """The part of the page that renews itself."""
    return visit.show("worker_table.html", pressure=visit.rooms.report.pressure(visit.caller))


def gather_weaknesses(visit: Visit, pressure: dict[str, Any]) -> dict[str, list[str]]:
    """What sandboxes don't hold, in the sentences of `doctor` and `/readyz` -> the hosts of workers that say so."""
    found: dict[str, list[str]] = {sentence: [] for sentence in visit.rooms.weaknesses()}
    for worker in pressure["workers"]:
        for sentence in worker["weaknesses"]:
            hosts = found.setdefault(sentence, [])
            if worker["host"] not in hosts:
                hosts.append(worker["host"])
    return found


PAGES = (Page("GET", "/workers", show), Page("GET", "/workers/table", show_table))
