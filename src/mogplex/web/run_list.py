"""The list of runs, filtered by what stands in the address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from mogplex.domain.errors import BadRequest
from mogplex.domain.run import Outcome, Status
from mogplex.service.run_filter import RunFilter
from mogplex.web.page import Page
from mogplex.web.visit import Visit

SHOWN_RUNS = 50
FILTERS = ("repo", "status", "outcome", "label")


def show(visit: Visit) -> Response:
    chosen = {name: visit.query(name) or "" for name in FILTERS}
    fault = None
    try:
        asked = _filter(visit)
        page = visit.rooms.runs.list(visit.caller, asked)
        counts = visit.rooms.report.count_runs(visit.caller, asked)
    except BadRequest as refused:  # a hand-made address: say what is wrong beside the filters
        fault = refused
        asked = RunFilter(limit=SHOWN_RUNS)
        page = visit.rooms.runs.list(visit.caller, asked)
        counts = visit.rooms.report.count_runs(visit.caller, asked)
    values: dict[str, Any] = {
        "runs": page.items,
        "next_page": None if page.next_cursor is None else _address({**chosen, "cursor": page.next_cursor}),
        "counts": [(status, counts.get(status, 0), _address({**chosen, "status": status})) for status in Status],
        "total": sum(counts.values()),
        "all_address": _address({**chosen, "status": ""}),
        "filtered": any(chosen.values()),
        "chosen": chosen,
        "first_page": visit.query("cursor") is None,
        "address": _address(chosen),
        "keys": visit.rooms.sessions.names_of_keys({run.api_key_id for run in page.items}),
    }
    if visit.request.headers.get("hx-request"):
        return visit.show("run_rows.html", **values)
    repos = visit.rooms.repos.list(visit.caller, limit=200).items
    return visit.show("run_list.html", repos=repos, outcomes=list(Outcome), fault=fault, **values)


def _filter(visit: Visit) -> RunFilter:
    """Raises BadRequest."""
    labels = {}
    if label := visit.query("label"):
        name, equals, value = label.partition("=")
        if not name or not equals:
            raise BadRequest(f"A label is searched as name=value, not {label[:60]!r}.")
        labels[name] = value
    return RunFilter(
        repo=visit.query("repo"),
        status=visit.query("status"),
        outcome=visit.query("outcome"),
        labels=labels,
        limit=SHOWN_RUNS,
        cursor=visit.query("cursor"),
    )


def _address(values: dict[str, str]) -> str:
    given = {name: value for name, value in values.items() if value}
    return "/runs" + ("?" + urlencode(given) if given else "")


PAGES = (Page("GET", "/runs", show),)
