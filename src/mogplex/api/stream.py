"""Server-sent events: one run's feed, from any number on, until `finished`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from mogplex.api.tails import Feed, Tails

HEARTBEAT_SECONDS = 15.0
KEY_CHECK_SECONDS = 1.0
STUCK_SECONDS = 60.0  # a client that takes nothing for so long is gone
RETRY_MS = 1000
PARTING_SECONDS = 0.25  # what a stream gets for its orderly end when the server stops
HEADERS: Mapping[str, str] = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # asks proxies of nginx's kind not to hold frames back
}
_log = logging.getLogger(__name__)


class EventStream:
    """An answer that lasts. A slow client costs no memory: all that is kept of it is the number it has come to."""

    def __init__(self, tails: Tails, key_id: str, run_id: str, after: int, head: int) -> None:
        """`head` is the number of the run's newest event when the caller was let in."""
        self._tails = tails
        self._key_id = key_id
        self._run_id = run_id
        self._after = after
        self._head = head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        producing = asyncio.create_task(self._produce(send))
        gone = asyncio.create_task(_wait_for_disconnect(receive))
        closing = asyncio.create_task(self._tails.closing.wait())
        tasks = (producing, gone, closing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if closing.done() and not producing.done():
                await asyncio.wait((producing, gone), timeout=PARTING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if producing.done():
                producing.result()
        except TimeoutError:
            _log.info("A stream of %s is given up: its client takes nothing any more", self._run_id)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _produce(self, send: Send) -> None:
        await _send(send, b"retry: %d\n\n" % RETRY_MS)
        async with self._tails.open(self._run_id, self._head) as feed:
            await self._pump(feed, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pump(self, feed: Feed, send: Send) -> None:
        after = self._after
        beat_at = time.monotonic() + HEARTBEAT_SECONDS
        while not self._tails.closing.is_set() and not feed.broken:
            if not await self._tails.is_live(self._key_id):
                return
            changed = feed.changed
            frames = await feed.read(after)
            if frames:
                await _send(send, b"".join(frame.data for frame in frames))
                after = frames[-1].seq
                beat_at = time.monotonic() + HEARTBEAT_SECONDS
                if frames[-1].last:
                    return
                continue
            if time.monotonic() >= beat_at:
                await _send(send, b": heartbeat\n\n")
                beat_at = time.monotonic() + HEARTBEAT_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(KEY_CHECK_SECONDS, max(0.0, beat_at - time.monotonic()))):
                    await changed.wait()


class NoMore:
    """The answer to who resumes a run that is over and seen to its end: 204 makes a browser's EventSource stop."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def _send(send: Send, data: bytes) -> None:
    """Blocks while the client's connection is full. Raises TimeoutError for one that takes nothing any more."""
    async with asyncio.timeout(STUCK_SECONDS):
        await send({"type": "http.response.body", "body": data, "more_body": True})


async def _wait_for_disconnect(receive: Receive) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass
