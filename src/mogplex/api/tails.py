"""Those who follow runs live: they share one look at the database per run, and one encoding of each event."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anyio import to_thread

from mogplex.api.envelope import encode_json
from mogplex.domain.errors import ServiceUnavailable
from mogplex.domain.event import Event, EventType
from mogplex.domain.view import event_object
from mogplex.service.events import Events
from mogplex.service.keys import Keys

PAGE_EVENTS = 100
RING_FRAMES = 500
RING_BYTES = 1024 * 1024
KEY_FRESH_SECONDS = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as it goes over the wire."""

    seq: int
    data: bytes
    last: bool


def encode_frame(event: Event) -> Frame:
    """Unnamed (so `EventSource.onmessage` gets every type); the type is in the JSON, which is one line."""
    data = b"id: %d\ndata: %b\n\n" % (event.seq, encode_json(event_object(event)))
    return Frame(event.seq, data, event.type is EventType.FINISHED)


class Feed:
    """One run's newest frames, for all who follow it here. Kept up to date by one task while anybody does."""

    def __init__(self, events: Events, run_id: str, head: int) -> None:
        self._events = events
        self._run_id = run_id
        self._head = head  # everything up to this number is written; the ring begins after it
        self._ring: deque[Frame] = deque()
        self._ring_bytes = 0
        self._changed = asyncio.Event()
        self.broken = False

    @property
    def changed(self) -> asyncio.Event:
        """Is set at the next news. Take it before reading, else news in between are missed."""
        return self._changed

    async def read(self, after: int) -> list[Frame]:
        """Frames after `after`, [] when there are none yet: from memory, or for who is behind, from the database."""
        if after >= self._head:
            return []
        if self._ring and self._ring[0].seq <= after + 1:
            return [frame for frame in self._ring if frame.seq > after][:PAGE_EVENTS]
        try:
            return await to_thread.run_sync(self._load, after)
        except ServiceUnavailable as fault:
            _log.warning("A stream of %s waits for the database: %s", self._run_id, fault.message)
            return []

    def wake(self) -> None:
        """Let everyone look up who waits for news."""
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()

    def _load(self, after: int) -> list[Frame]:
        return [encode_frame(event) for event in self._events.since(self._run_id, after, PAGE_EVENTS)]

    async def follow(self) -> None:
        """Take over what is written, woken by the hub and by the clock, until the last event."""
        woken = asyncio.Event()
        async with wake_on_events(self._events, self._run_id, woken):
            try:
                while not (self._ring and self._ring[-1].last):
                    woken.clear()
                    if not await self._take_over():
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(woken.wait(), self._events.hub.look_seconds)
            except Exception:  # noqa: BLE001 - the task has no caller: those who wait must hear of it, and end
                _log.exception("The stream of %s broke", self._run_id)
                self.broken = True
                self.wake()

    async def _take_over(self) -> bool:
        try:
            frames = await to_thread.run_sync(self._load, self._head)
        except ServiceUnavailable as fault:
            _log.warning("The stream of %s waits for the database: %s", self._run_id, fault.message)
            return False
        for frame in frames:
            self._ring.append(frame)
            self._ring_bytes += len(frame.data)
            self._head = frame.seq
        while len(self._ring) > RING_FRAMES or (self._ring_bytes > RING_BYTES and len(self._ring) > 1):
            self._ring_bytes -= len(self._ring.popleft().data)
        if frames:
            self.wake()
        return bool(frames)


@asynccontextmanager
async def wake_on_events(events: Events, run_id: str, woken: asyncio.Event) -> AsyncIterator[None]:
    """Set `woken` whenever there is news of the run, as far as it is heard here."""
    loop = asyncio.get_running_loop()

    def wake(_: int) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(woken.set)

    unsubscribe: Callable[[], None] = events.hub.subscribe(run_id, wake)
    try:
        yield
    finally:
        unsubscribe()


@dataclass(slots=True)
class _Shared:
    feed: Feed
    task: asyncio.Task[None]
    tails: int = 0


@dataclass(slots=True)
class _Seen:
    at: float
    live: bool


class Tails:
    """All that is open on this server. `close` ends it: an orderly end, after which callers resume elsewhere."""

    def __init__(self, events: Events, keys: Keys) -> None:
        self._events = events
        self._keys = keys
        self._shared: dict[str, _Shared] = {}
        self._keys_seen: dict[str, _Seen] = {}
        self.closing = asyncio.Event()

    def close(self) -> None:
        """Call it on the event loop."""
        self.closing.set()
        for shared in self._shared.values():
            shared.feed.wake()

    @property
    def count(self) -> int:
        return sum(shared.tails for shared in self._shared.values())

    @asynccontextmanager
    async def open(self, run_id: str, head: int) -> AsyncIterator[Feed]:
        """The run's feed; `head` is the number of an event that is known to be written."""
        shared = self._shared.get(run_id)
        if shared is None or shared.feed.broken:
            feed = Feed(self._events, run_id, head)
            shared = self._shared[run_id] = _Shared(feed, asyncio.create_task(feed.follow()))
        shared.tails += 1
        try:
            yield shared.feed
        finally:
            shared.tails -= 1
            if shared.tails == 0:
                shared.task.cancel()
                if self._shared.get(run_id) is shared:
                    del self._shared[run_id]

    async def is_live(self, key_id: str) -> bool:
        """Whether a key still holds, as of at most a second ago. A database that is away takes nobody's key."""
        now = time.monotonic()
        seen = self._keys_seen.get(key_id)
        if seen is None or now - seen.at > KEY_FRESH_SECONDS:
            # Noted first, so that a thousand streams of one key ask once.
            self._keys_seen = {key: old for key, old in self._keys_seen.items() if now - old.at < 60}
            self._keys_seen[key_id] = seen = _Seen(now, seen.live if seen else True)
            try:
                seen.live = await to_thread.run_sync(self._keys.is_live, key_id)
            except ServiceUnavailable as fault:
                _log.warning("Key %s could not be looked up: %s", key_id, fault.message)
        return seen.live
