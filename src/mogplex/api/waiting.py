"""Long polling: an answer that is held back until a run is over, without holding a thread."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from anyio import to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mogplex.api.tails import Tails, wake_on_events
from mogplex.domain.run import Run
from mogplex.service.events import Events

LOOK_SECONDS = 0.2  # a chatty run wakes us for every event: this is how often we look all the same


class Waiting:
    """Sends `render(run)` once the run is terminal, or as it is when the time is over or the server closes."""

    def __init__(
        self,
        tails: Tails,
        events: Events,
        run: Run,
        seconds: float,
        load: Callable[[], Run],
        render: Callable[[Run], Response],
    ) -> None:
        """`load` and `render` may block; `load` also checks that the caller may still see the run."""
        self._tails = tails
        self._events = events
        self._run = run
        self._seconds = seconds
        self._load = load
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        waiting = asyncio.create_task(self._wait())
        gone = asyncio.create_task(_wait_for_disconnect(receive))
        closing = asyncio.create_task(self._tails.closing.wait())
        tasks = (waiting, gone, closing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not waiting.done():
                return
            if waiting.done():
                waiting.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        response = await to_thread.run_sync(self._render, self._run)
        await response(scope, receive, send)

    async def _wait(self) -> None:
        woken = asyncio.Event()
        until = time.monotonic() + self._seconds
        async with wake_on_events(self._events, self._run.id, woken):
            while True:
                woken.clear()
                self._run = await to_thread.run_sync(self._load)
                left_seconds = until - time.monotonic()
                if self._run.status.is_terminal or left_seconds <= 0:
                    return
                await asyncio.sleep(min(LOOK_SECONDS, left_seconds))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, min(self._events.hub.look_seconds, until - time.monotonic()))):
                        await woken.wait()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
