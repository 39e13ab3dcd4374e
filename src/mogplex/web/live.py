"""A run followed live: its new events as pieces of the page, over one stream that resumes where it was cut."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mogplex.domain.errors import MogplexError, ServiceUnavailable
from mogplex.domain.event import Event, EventType
from mogplex.domain.run import Run
from mogplex.service.tool_calls import ToolUse
from mogplex.web.answers import Templates
from mogplex.web.rooms import Rooms
from mogplex.web.run_view import head_values
from mogplex.web.transcript import Item, read_items, tool_item
from mogplex.web.visit import SESSION_COOKIE, Visit

GATHER_SECONDS = 0.05  # what comes in bursts goes out together
CHECK_SECONDS = 2.0  # how old the answer may be that the session still holds
HEARTBEAT_SECONDS = 15.0
STUCK_SECONDS = 30.0  # a browser that takes nothing for so long is given up
BATCH_EVENTS = 100
KNOWN_CALLS = 500  # open tool calls whose result is still awaited
RETRY_MS = 500
END = b"event: end\ndata: over\n\n"
_log = logging.getLogger(__name__)


class Streams:
    """All that is followed here. `close` ends it, in order; browsers resume at the next server."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()

    def close(self) -> None:
        self.closing.set()


class Live:
    """The ASGI endpoint."""

    def __init__(self, rooms: Rooms, templates: Templates, streams: Streams) -> None:
        self._rooms = rooms
        self._templates = templates
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            visit, run = await to_thread.run_sync(self._admit, request)
        except MogplexError as fault:
            await Response(fault.message, 404, {"Cache-Control": "no-store"})(scope, receive, send)
            return
        if visit.signed_in is None:
            # 204 rather than 401: whatever the script does with an answer, there is nothing to put into the page
            await Response(b"", 204, {"HX-Redirect": "/sign-in"})(scope, receive, send)
            return
        follower = _Follower(self._rooms, visit, run.id, _place(request), send)
        await _headers(send)
        following = asyncio.create_task(follower.follow())
        ends = [following, *(asyncio.create_task(each) for each in (_gone(receive), self._streams.closing.wait()))]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            _log.info("A page that follows %s is given up: it takes nothing any more", run.id)
        finally:
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    def _admit(self, request: Request) -> tuple[Visit, Run]:
        token = request.cookies.get(SESSION_COOKIE, "")
        visit = Visit(self._rooms, self._templates, request, self._rooms.sessions.find(token), token)
        if visit.signed_in is None:
            return visit, None  # type: ignore[return-value]  # nobody looks at it then
        return visit, self._rooms.runs.get(visit.caller, visit.path("run_id"))


class _Follower:
    """One open page."""

    def __init__(self, rooms: Rooms, visit: Visit, run_id: str, after: int, send: Send) -> None:
        self._rooms = rooms
        self._visit = visit
        self._run_id = run_id
        self._after = after
        self._send = send
        self._calls: dict[tuple[int, str], Event] = {}
        self._checked_at = time.monotonic()

    async def follow(self) -> None:
        woken = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake(_: int) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(woken.set)

        unsubscribe = self._rooms.events.hub.subscribe(self._run_id, wake)
        try:
            await self._put(b"retry: %d\n\n" % RETRY_MS)
            await to_thread.run_sync(self._recall)
            await self._pump(woken)
        finally:
            unsubscribe()

    async def _pump(self, woken: asyncio.Event) -> None:
        beat_at = time.monotonic() + HEARTBEAT_SECONDS
        while await self._is_admitted():
            woken.clear()
            try:
                message, over = await to_thread.run_sync(self._read)
            except ServiceUnavailable as fault:
                _log.warning("A page that follows %s waits for the database: %s", self._run_id, fault.message)
                message, over = b"", False
            if message:
                await self._put(message)
                beat_at = time.monotonic() + HEARTBEAT_SECONDS
            if over:
                await self._put(END)
                return
            if message:
                await asyncio.sleep(GATHER_SECONDS)
                continue
            if time.monotonic() >= beat_at:
                await self._put(b": heartbeat\n\n")
                beat_at = time.monotonic() + HEARTBEAT_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), min(self._rooms.events.hub.look_seconds, CHECK_SECONDS))

    async def _is_admitted(self) -> bool:
        """Sessions end with their key, for open pages too. A database that is away ends nobody's."""
        if time.monotonic() - self._checked_at > CHECK_SECONDS:
            self._checked_at = time.monotonic()
            try:
                return await to_thread.run_sync(self._rooms.sessions.find, self._visit.token) is not None
            except ServiceUnavailable:
                return True
        return True

    def _read(self) -> tuple[bytes, bool]:
        """The next message, empty if there is none yet, and whether the run's last event is in it."""
        events = self._rooms.events.since(self._run_id, self._after, BATCH_EVENTS)
        if not events:
            return b"", self._is_over()
        self._after = events[-1].seq
        over = events[-1].type is EventType.FINISHED
        items, renewed = self._sort(events)
        run = self._rooms.runs.get(self._visit.caller, self._run_id)
        html = self._visit.render(
            "run_live.html", items=items, renewed=renewed, over=over, **head_values(self._visit, run, self._tab)
        )
        return _message(self._after, html), over

    def _is_over(self) -> bool:
        run = self._rooms.runs.get(self._visit.caller, self._run_id)
        return run.status.is_terminal and run.last_seq <= self._after

    def _sort(self, events: list[Event]) -> tuple[list[Item], list[Item]]:
        """What to add to the page, and which tool calls on it to draw anew, since their result came."""
        items = read_items(events)
        renewed: list[Item] = []
        kept: list[Item] = []
        for event in events:
            if event.type is EventType.TOOL_CALL:
                self._calls[_key(event)] = event
        here = {item.seq for item in items if item.kind == "tool"}
        for item in items:
            result = item.events[0] if item.kind == "step" and item.events else None
            call = None if result is None or result.type is not EventType.TOOL_RESULT else self._calls.get(_key(result))
            if call is not None and result is not None and call.seq not in here:
                renewed.append(tool_item(ToolUse(call, result)))
            else:
                kept.append(item)
        for event in events:
            if event.type is EventType.TOOL_RESULT:
                self._calls.pop(_key(event), None)
        while len(self._calls) > KNOWN_CALLS:
            del self._calls[next(iter(self._calls))]
        return kept, renewed

    def _recall(self) -> None:
        """Tool calls that were on the page before the stream began and may still get their result."""
        for event in self._rooms.events.since(self._run_id, max(self._after - KNOWN_CALLS, 0), KNOWN_CALLS):
            if event.seq > self._after:
                break
            if event.type is EventType.TOOL_CALL:
                self._calls[_key(event)] = event
            elif event.type is EventType.TOOL_RESULT:
                self._calls.pop(_key(event), None)

    @property
    def _tab(self) -> str:
        return self._visit.query("tab") or "transcript"

    async def _put(self, data: bytes) -> None:
        async with asyncio.timeout(STUCK_SECONDS):
            await self._send({"type": "http.response.body", "body": data, "more_body": True})


def _place(request: Request) -> int:
    """After which event to go on: where the last stream was cut, or what the page shows already."""
    for text in (request.headers.get("last-event-id", ""), request.query_params.get("after", "")):
        if text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
    return 0


def _message(seq: int, html: str) -> bytes:
    lines = "\n".join(f"data: {line}" for line in html.split("\n") if line.strip())
    return f"id: {seq}\n{lines}\n\n".encode("utf-8", "replace")


def _key(event: Event) -> tuple[int, str]:
    return event.attempt, str(event.payload.get("callId"))


async def _headers(send: Send) -> None:
    sent = {"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}
    headers = [(name.encode(), value.encode()) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _gone(receive: Receive) -> Any:
    while (await receive())["type"] != "http.disconnect":
        pass
