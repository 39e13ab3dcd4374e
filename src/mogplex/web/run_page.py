"""One run: its head and timeline on every tab, and below what it did, changed, was checked for and said."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from mogplex.domain.access import Scope
from mogplex.domain.errors import NotFound
from mogplex.domain.event import Event, EventType
from mogplex.domain.run import Run
from mogplex.domain.view import event_object
from mogplex.service.call_search import CallFilter
from mogplex.web.answers import redirect
from mogplex.web.commands import body_of, cli_line, curl_line
from mogplex.web.diff import read_diff
from mogplex.web.page import Page
from mogplex.web.run_view import head_values, retry_chain, timeline_of
from mogplex.web.transcript import read_items
from mogplex.web.visit import Visit

WHOLE_EVENTS = 400  # a run up to this long is shown whole
END_EVENTS = 150  # of a longer one: so many from its start and from its end
MORE_EVENTS = 250  # and so many more at each asking
RAW_EVENTS = 100
SHOWN_CALLS = 200
BEGINNING_EVENTS = 50


@dataclass(frozen=True, slots=True)
class Gap:
    """Events after `after` and before `until` that are not shown yet."""

    after: int
    until: int

    @property
    def size(self) -> int:
        return self.until - self.after - 1


def show_transcript(visit: Visit) -> Response:
    run = _run(visit)
    after = visit.number("after")
    if after:  # without scripts: one stretch after the other
        head, gap, tail = _windows(visit, run, after)
        next_after = head[-1].seq if head and head[-1].seq < run.last_seq else None
    else:
        head, gap, tail = _windows(visit, run, 0)
        next_after = None
    shown = tail or head
    return _show(
        visit,
        run,
        "transcript",
        head=read_items(head),
        gap=gap,
        tail=read_items(tail),
        next_after=next_after,
        after=after,
        last_shown=shown[-1].seq if shown else 0,
        live=not after,
    )


def show_more(visit: Visit) -> Response:
    """The next stretch of a gap, with what is left of it."""
    run = _run(visit)
    after, until = visit.number("after"), visit.number("until")
    wanted = max(min(MORE_EVENTS, until - after - 1), 0)
    events = _events(visit, run, after, wanted) if wanted else []
    last = events[-1].seq if events else until - 1
    gap = Gap(last, until) if until - last > 1 else None
    return visit.show("run_more.html", run=run, items=read_items(events), gap=gap)


def show_changes(visit: Visit) -> Response:
    run = _run(visit)
    try:
        diff = read_diff(visit.rooms.runs.shown_patch(visit.caller, run.id).encode())
    except NotFound:
        diff = None
    return _show(visit, run, "changes", diff=diff)


def show_checks(visit: Visit) -> Response:
    run = _run(visit)
    return _show(visit, run, "checks", checks=visit.rooms.runs.checks(visit.caller, run.id))


def show_calls(visit: Visit) -> Response:
    run = _run(visit)
    page = visit.rooms.report.calls(visit.caller, CallFilter(run=run.id, limit=SHOWN_CALLS))
    return _show(visit, run, "calls", calls=page.items[::-1], more=page.next_cursor is not None)


def show_events(visit: Visit) -> Response:
    run = _run(visit)
    after = visit.number("after")
    events = _events(visit, run, after, RAW_EVENTS)
    last = events[-1].seq if events else after
    return _show(
        visit,
        run,
        "events",
        events=[(event, event_object(event)) for event in events],
        after=after,
        earlier=max(after - RAW_EVENTS, 0) if after else None,
        next_after=last if last < run.last_seq else None,
    )


def show_details(visit: Visit) -> Response:
    run = _run(visit)
    record = None
    if run.sandbox_record_id is not None:
        record = visit.rooms.sandboxes.get(visit.caller, run.sandbox_record_id)
    body = body_of(run)
    return _show(
        visit,
        run,
        "details",
        sandbox=record,
        limits=_limits(visit, run),
        chain=retry_chain(visit, run),
        cli=cli_line(body),
        follow=f"mogplex runs events {run.id} --follow",
        curl=curl_line(visit.url, body),
    )


def show_timeline(visit: Visit) -> Response:
    run = _run(visit)
    return visit.show("run_timeline.html", run=run, timeline=timeline_of(visit.rooms, run, time.time()))


def get_patch(visit: Visit) -> Response:
    run = _run(visit)
    headers = {"Content-Disposition": f'attachment; filename="{run.id}.patch"', "Cache-Control": "no-store"}
    return Response(visit.rooms.runs.patch(visit.caller, run.id), 200, headers, "text/x-diff; charset=utf-8")


def cancel(visit: Visit) -> Response:
    run_id = visit.path("run_id")
    visit.rooms.runs.cancel(visit.caller, run_id)
    return redirect(f"/runs/{run_id}")


def retry(visit: Visit) -> Response:
    """The form bears the key, so that a second press finds the run that the first has started."""
    started = visit.rooms.runs.retry(visit.caller, visit.path("run_id"), {}, visit.form.get("idempotencyKey"))
    return redirect(f"/runs/{started.run.id}")


def _limits(visit: Visit, run: Run) -> dict[str, str]:
    """How each limit of the newest attempt's sandbox was held, as its first events tell."""
    found: dict[str, str] = {}
    for event in _events(visit, run, 0, BEGINNING_EVENTS):
        if event.type is EventType.SANDBOX_READY and isinstance(limits := event.payload.get("limits"), dict):
            found = {str(name): str(how) for name, how in limits.items()}
    return found


def _run(visit: Visit) -> Run:
    return visit.rooms.runs.get(visit.caller, visit.path("run_id"))


def _events(visit: Visit, run: Run, after: int, limit: int) -> list[Event]:
    return visit.rooms.events.since(run.id, after, limit)


def _windows(visit: Visit, run: Run, after: int) -> tuple[list[Event], Gap | None, list[Event]]:
    """What is shown at first of a long run: how it began and what it said last. With `after` one stretch of it."""
    if after:
        return _events(visit, run, after, MORE_EVENTS), None, []
    if run.last_seq <= WHOLE_EVENTS:
        return _events(visit, run, 0, WHOLE_EVENTS), None, []
    tail_after = run.last_seq - END_EVENTS
    head = _events(visit, run, 0, END_EVENTS)
    return head, Gap(END_EVENTS, tail_after + 1), _events(visit, run, tail_after, END_EVENTS)


def _show(visit: Visit, run: Run, tab: str, **values: Any) -> Response:
    return visit.show(f"run_{tab}.html", **head_values(visit, run, tab), **values)


_RUN = "/runs/{run_id}"
PAGES: Sequence[Page] = (
    Page("GET", _RUN, show_transcript),
    Page("GET", f"{_RUN}/more", show_more),
    Page("GET", f"{_RUN}/changes", show_changes),
    Page("GET", f"{_RUN}/checks", show_checks),
    Page("GET", f"{_RUN}/calls", show_calls),
    Page("GET", f"{_RUN}/events", show_events),
    Page("GET", f"{_RUN}/details", show_details),
    Page("GET", f"{_RUN}/timeline", show_timeline),
    Page("GET", f"{_RUN}/patch", get_patch),
    Page("POST", f"{_RUN}/cancel", cancel, needs=Scope.WRITE),
    Page("POST", f"{_RUN}/retry", retry, needs=Scope.WRITE),
)
