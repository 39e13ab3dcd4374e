"""`/runs/{id}/events` and `/stream`: the same numbered events, by the page and live."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.stream import EventStream, NoMore
from mogplex.api.vocabulary import BASE, RUN_ID, read_id
from mogplex.domain.access import Scope
from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.run_view import run_object
from mogplex.domain.view import event_object

DEFAULT_EVENTS = 100
MAX_EVENTS = 1000
MAX_SEQ = 2**31 - 1
LAST_EVENT_ID = "Last-Event-ID"
STREAM_TYPE = "text/event-stream"


def page(call: Call) -> ASGIApp:
    if prefers_stream(call.headers.get("accept", "")):
        return stream(call)
    run_id = read_id(call.path["run_id"], "run")
    limit = call.query.get("limit", DEFAULT_EVENTS)
    raw = call.query.get("raw", 0) == 1
    found = call.services.events.page(call.caller, run_id, _read_position(call), limit, raw=raw)
    return succeed(
        {
            "run": run_object(found.run, call.services.runs.queue_place(found.run)),
            "events": [event_object(event, raw=raw) for event in found.events],
            "nextAfter": found.next_after,
            "hasMore": found.has_more,
        }
    )


def stream(call: Call) -> ASGIApp:
    """Authorised here, once; the stream itself looks after the key from then on."""
    run_id = read_id(call.path["run_id"], "run")
    after = _read_position(call)
    run = call.services.runs.get(call.caller, run_id)
    if run.status.is_terminal and after >= run.last_seq:
        return NoMore()
    return EventStream(call.tails, call.caller.key_id, run.id, after, run.last_seq)


def prefers_stream(accept: str) -> bool:
    """Whether an event stream is asked for by name: `*/*` (what curl sends) means JSON."""
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return STREAM_TYPE in kinds and "application/json" not in kinds


def _read_position(call: Call) -> int:
    """The number to go on after. The header wins: a browser that reconnects repeats the query of its first request."""
    header = (call.header(LAST_EVENT_ID) or "").strip()
    if not header:
        position: int = call.query.get("after", 0)
        return position
    if not (header.isascii() and header.isdecimal() and len(header) < 11 and int(header) <= MAX_SEQ):
        reason = f"must be the number of an event, not {header[:60]!r}"
        raise BadRequest(f"{LAST_EVENT_ID} {reason}", [Detail(LAST_EVENT_ID, reason)])
    return int(header)


_AFTER = Parameter(
    "after",
    "Only events with a greater `seq`.",
    {"type": "integer", "minimum": 0, "maximum": MAX_SEQ, "default": 0},
)
_LIMIT = Parameter(
    "limit", "Events in a page.", {"type": "integer", "minimum": 1, "maximum": MAX_EVENTS, "default": DEFAULT_EVENTS}
)
_RAW = Parameter(
    "raw",
    "1 adds `raw` to each event of a page: the line of the harness that it was made from, without secrets and cut.",
    {"type": "integer", "minimum": 0, "maximum": 1, "default": 0},
)
_RESUME = Parameter(
    LAST_EVENT_ID,
    "Go on after this `seq`; wins over `after`.",
    {"type": "integer", "minimum": 0, "maximum": MAX_SEQ},
    where="header",
)
_NO_MORE = Success(204, "The run is over and there is nothing after this number: do not connect again.")
_STREAMED = "Unnamed events with `id:` = seq and `data:` = an Event, a comment every 15 s, an end after `finished`."

ROUTES = (
    Route(
        "GET",
        f"{BASE}/runs/{{run_id}}/events",
        "listEvents",
        "Get a page of events, or with `Accept: text/event-stream` follow them",
        Scope.READ,
        page,
        (
            Success(200, f"A page of events. As a stream: {_STREAMED}", "EventPage", ("application/json", STREAM_TYPE)),
            _NO_MORE,
        ),
        parameters=(RUN_ID, _AFTER, _LIMIT, _RAW, _RESUME),
        refusals=(404,),
    ),
    Route(
        "GET",
        f"{BASE}/runs/{{run_id}}/stream",
        "streamEvents",
        "Follow events live, as server-sent events",
        Scope.READ,
        stream,
        (Success(200, _STREAMED, None, (STREAM_TYPE,)), _NO_MORE),
        parameters=(RUN_ID, _AFTER, _RESUME),
        refusals=(404,),
    ),
)
