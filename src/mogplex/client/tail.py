"""Following one run's events without losing or repeating one, whatever happens to the connection."""

from __future__ import annotations

import json
from collections import deque
from urllib.parse import quote

from mogplex.client.errors import ApiError, ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from mogplex.client.patience import Patience
    from mogplex.client.sender import Carrier, LineStream

    Json = dict[str, Any]

TERMINAL_STATUSES = frozenset({"success", "failed", "cancelled"})

_PAGE_EVENTS = 200
# A run has its first event from birth, so a stream from the start is never silent for long, unless something buffers.
FIRST_SILENCE_SECONDS = 6.0
# The server sends a heartbeat every 15 s; one may be late.
HEARTBEAT_SILENCE_SECONDS = 32.0
# 60 requests a minute are free to a key: two tails by polling must fit beside other calls.
_SHORTEST_POLL_SECONDS = 1.0
_LONGEST_POLL_SECONDS = 5.0


class Tail:
    """One following of one run, from `after` on. Ask `next_item()` until it gives None, then `close()`."""

    def __init__(
        self,
        carrier: Carrier,
        list_events: Callable[[str, int, int], Awaitable[Json]],
        run_id: str,
        after: int,
        patience: Patience,
        silence_seconds: tuple[float, float] = (FIRST_SILENCE_SECONDS, HEARTBEAT_SILENCE_SECONDS),
    ) -> None:
        self._carrier = carrier
        self._list_events = list_events
        self._run_id = run_id
        self._seq = after
        self._patience = patience
        self._first_silence_seconds, self._beat_silence_seconds = silence_seconds
        self._ready: deque[Json] = deque()
        self._ended = False
        self._more = False  # the last page was not the last one
        self._buffered = False  # something on the way holds the stream back: ask for pages instead
        self._poll_seconds = 0.0
        self._bare_endings = 0
        self._hole_at = -1  # where a hole was seen once: the second time it is believed
        # of the stream that is open
        self._stream: LineStream | None = None
        self._data: list[bytes] = []
        self._opened_at = after
        self._heard = False
        self._silence_seconds = 0.0

    async def next_item(self) -> Json | None:
        """The next event, in order and once; None after `finished`."""
        while not self._ready and not self._ended:
            try:
                await self._advance()
            except (ApiError, ConnectionFailed) as error:
                await self.close()
                await self._patience.bear(error)
        return self._ready.popleft() if self._ready else None

    async def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()

    async def _advance(self) -> None:
        """One step: a page, the head of a stream, or a line of it."""
        if self._more:
            await self._page()
        elif self._stream is not None:
            await self._read()
        elif self._buffered:
            await self._poll()
        else:
            await self._open()

    # --- live ----------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        headers = {"Last-Event-ID": str(self._seq)} if self._seq else {}
        self._data, self._heard, self._opened_at = [], False, self._seq
        self._silence_seconds = self._beat_silence_seconds if self._seq else self._first_silence_seconds
        path = f"/runs/{quote(self._run_id, safe='')}/stream"
        try:
            self._stream = await self._carrier.open_stream(
                path, headers, self._patience.remaining(self._silence_seconds)
            )
        except ConnectionFailed as error:
            await self._fall_silent(error)

    async def _read(self) -> None:
        stream = self._stream
        assert stream is not None
        try:
            line = await stream.read_line(self._patience.remaining(self._silence_seconds))
        except ConnectionFailed as error:
            await self._fall_silent(error)
            return
        if not line:
            await self._leave()  # closed: only the page knows whether the run is over
            return
        text = line.rstrip(b"\r\n")
        if text.startswith(b":"):
            self._patience.succeed()
            self._hear()
        elif text.startswith(b"data:"):
            self._data.append(text[5:].removeprefix(b" "))
        elif not text and self._data:
            event = _parse_event(b"\n".join(self._data))
            self._data = []
            self._hear()
            if event is not None and event["seq"] > self._seq:
                await self._take_live(event)

    def _hear(self) -> None:
        self._heard = True
        self._silence_seconds = self._beat_silence_seconds

    async def _take_live(self, event: Json) -> None:
        if event["seq"] > self._seq + 1 and self._hole_at != self._seq:
            self._hole_at = self._seq
            await self._leave()  # numbers have no gaps, so frames were lost; the page has them, or they are gone
        else:
            self._take(event)

    async def _fall_silent(self, error: ConnectionFailed) -> None:
        if not error.silent:
            raise error
        self._patience.remaining(0.0)  # was it our own deadline that ended the wait?
        self._buffered = not self._heard
        await self._leave()

    async def _leave(self) -> None:
        """From the stream to a page, and not at once back if neither had anything."""
        await self.close()
        await self._page()
        if not self._ended and self._seq == self._opened_at and not self._buffered:
            await self._patience.sleep(_SHORTEST_POLL_SECONDS)

    # --- page by page --------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        if self._poll_seconds:
            await self._patience.sleep(self._poll_seconds)
        before = self._seq
        await self._page()
        longer = min(max(self._poll_seconds, _SHORTEST_POLL_SECONDS) * 1.5, _LONGEST_POLL_SECONDS)
        self._poll_seconds = _SHORTEST_POLL_SECONDS if self._seq > before else longer

    async def _page(self) -> None:
        """The next events after the last seen one; notices a run that is over."""
        page = await self._list_events(self._run_id, self._seq, _PAGE_EVENTS)
        self._patience.succeed()
        events = page.get("events") or []
        for event in events:
            if event["seq"] > self._seq:
                self._take(event)
        self._more = bool(page.get("hasMore") and events) and not self._ended
        if not self._more and not self._ended:
            self._notice_ending(page.get("run") or {}, bare=not events)

    def _notice_ending(self, run: Json, bare: bool) -> None:
        if run.get("status") not in TERMINAL_STATUSES:
            return
        last_seq = run.get("lastSeq")
        if last_seq is not None:
            self._ended = self._seq >= last_seq
        elif bare:  # a server that doesn't tell its last number: believe it the second time
            self._bare_endings += 1
            self._ended = self._bare_endings > 1

    def _take(self, event: Json) -> None:
        self._seq = event["seq"]
        self._ended = event.get("type") == "finished"
        self._ready.append(event)
        self._patience.succeed()


def _parse_event(data: bytes) -> Json | None:
    """An event's JSON; None for a frame that isn't an event (a server may add other kinds)."""
    try:
        event = json.loads(data)
    except ValueError as error:
        raise ConnectionFailed(f"the event stream holds something that is not JSON: {error}", sent=True) from error
    if not isinstance(event, dict) or not isinstance(event.get("seq"), int):
        return None
    return event


async def await_ending(
    look: Callable[[str, float], Awaitable[Json]], run_id: str, patience: Patience, hold_seconds: float = 30.0
) -> Json:
    """The run object once it is terminal. `look(run_id, wait_seconds)` asks the server to hold its answer back."""
    while True:
        try:
            run = await look(run_id, patience.remaining(hold_seconds))
        except (ApiError, ConnectionFailed) as error:
            await patience.bear(error)
            continue
        patience.succeed()
        if run.get("status") in TERMINAL_STATUSES:
            return run
        await patience.sleep(0.2)  # a server that doesn't hold its answer must not be asked in a tight loop
