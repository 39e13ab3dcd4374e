"""Following one run's events without losing or repeating one, whatever happens to the connection."""

from __future__ import annotations

import json
from urllib.parse import quote

from mogplex.client.errors import ApiError, ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from mogplex.client.patience import Patience
    from mogplex.client.transport import Stream, Transport

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
    """One following of one run, from `after` on. Iterate `events()` once."""

    def __init__(
        self,
        transport: Transport,
        list_events: Callable[[str, int, int], dict[str, Any]],
        run_id: str,
        after: int,
        patience: Patience,
        silence_seconds: tuple[float, float] = (FIRST_SILENCE_SECONDS, HEARTBEAT_SILENCE_SECONDS),
    ) -> None:
        self._transport = transport
        self._list_events = list_events
        self._run_id = run_id
        self._seq = after
        self._patience = patience
        self._first_silence_seconds, self._silence_seconds = silence_seconds
        self._ended = False
        self._buffered = False  # something on the way holds the stream back: ask for pages instead
        self._bare_endings = 0
        self._hole_at = -1  # where a hole was seen once: the second time it is believed
        self._poll_seconds = _SHORTEST_POLL_SECONDS

    def events(self) -> Iterator[dict[str, Any]]:
        """Each event once, in order, up to and including `finished`."""
        while not self._ended:
            before = self._seq
            try:
                if self._buffered:
                    yield from self._poll()
                else:
                    yield from self._stream()
                    if not self._ended and self._seq == before and not self._buffered:
                        self._patience.sleep(_SHORTEST_POLL_SECONDS)
            except (ApiError, ConnectionFailed) as error:
                self._patience.bear(error)

    def _stream(self) -> Iterator[dict[str, Any]]:
        headers = {"Last-Event-ID": str(self._seq)} if self._seq else {}
        silence = self._silence_seconds if self._seq else self._first_silence_seconds
        heard = False
        stream = None
        try:
            stream = self._transport.open_stream(
                f"/runs/{quote(self._run_id, safe='')}/stream", headers, self._patience.remaining(silence)
            )
            for event in self._read(stream, silence):
                heard = True
                if event is None:
                    continue
                seq = event["seq"]
                if seq <= self._seq:
                    continue
                if seq > self._seq + 1 and self._hole_at != self._seq:
                    self._hole_at = self._seq
                    break  # numbers have no gaps, so frames were lost; the page has them, or they are gone for good
                yield self._take(event)
                if self._ended:
                    return
        except ConnectionFailed as error:
            if not error.silent:
                raise
            self._patience.remaining(0.0)  # was it our own deadline that ended the wait?
            self._buffered = not heard
        finally:
            if stream is not None:
                stream.close()
        yield from self._page()  # closed, silent or with a hole: the page knows whether the run is over

    def _read(self, stream: Stream, silence_seconds: float) -> Iterator[dict[str, Any] | None]:
        """The stream's events; None for a heartbeat."""
        data: list[bytes] = []
        while line := stream.read_line(self._patience.remaining(silence_seconds)):
            silence_seconds = self._silence_seconds
            text = line.rstrip(b"\r\n")
            if text.startswith(b":"):
                self._patience.succeed()
                yield None
            elif text.startswith(b"data:"):
                data.append(text[5:].removeprefix(b" "))
            elif not text and data:
                event = _parse_event(b"\n".join(data))
                data = []
                yield event

    def _poll(self) -> Iterator[dict[str, Any]]:
        before = self._seq
        yield from self._page()
        if self._ended:
            return
        moved = self._seq > before
        self._poll_seconds = _SHORTEST_POLL_SECONDS if moved else min(self._poll_seconds * 1.5, _LONGEST_POLL_SECONDS)
        self._patience.sleep(self._poll_seconds)

    def _page(self) -> Iterator[dict[str, Any]]:
        """All events after the last seen one, page by page; notices a run that is over."""
        while True:
            page = self._list_events(self._run_id, self._seq, _PAGE_EVENTS)
            self._patience.succeed()
            events = page.get("events") or []
            for event in events:
                if event["seq"] > self._seq:
                    yield self._take(event)
            if self._ended:
                return
            if not page.get("hasMore") or not events:
                self._notice_ending(page.get("run") or {}, bare=not events)
                return

    def _notice_ending(self, run: dict[str, Any], bare: bool) -> None:
        if run.get("status") not in TERMINAL_STATUSES:
            return
        last_seq = run.get("lastSeq")
        if last_seq is not None:
            self._ended = self._seq >= last_seq
        elif bare:  # a server that doesn't tell its last number: believe it the second time
            self._bare_endings += 1
            self._ended = self._bare_endings > 1

    def _take(self, event: dict[str, Any]) -> dict[str, Any]:
        self._seq = event["seq"]
        self._ended = event.get("type") == "finished"
        self._patience.succeed()
        return event


def _parse_event(data: bytes) -> dict[str, Any] | None:
    """An event's JSON; None for a frame that isn't an event (a server may add other kinds)."""
    try:
        event = json.loads(data)
    except ValueError as error:
        raise ConnectionFailed(f"the event stream holds something that is not JSON: {error}", sent=True) from error
    if not isinstance(event, dict) or not isinstance(event.get("seq"), int):
        return None
    return event


def await_ending(
    get_run: Callable[[str, float], dict[str, Any]], run_id: str, patience: Patience, hold_seconds: float = 30.0
) -> dict[str, Any]:
    """The run object once it is terminal. `get_run(run_id, wait_seconds)` is asked to hold its answer back."""
    while True:
        try:
            run = get_run(run_id, patience.remaining(hold_seconds))
        except (ApiError, ConnectionFailed) as error:
            patience.bear(error)
            continue
        patience.succeed()
        if run.get("status") in TERMINAL_STATUSES:
            return run
        patience.sleep(0.2)  # a server that doesn't hold its answer must not be asked in a tight loop
