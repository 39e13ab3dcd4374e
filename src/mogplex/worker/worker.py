"""A worker: an event loop in a thread of its own that plays attempts, a slot each."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future

from mogplex.domain.ports import Probe
from mogplex.worker.attempt import Attempt
from mogplex.worker.equipment import Equipment
from mogplex.worker.patience import patiently
from mogplex.worker.stop import Stop
from mogplex.worker.watch import Watcher

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0  # to kill what runs once draining is over
DELIVERY_SECONDS = 20.0  # for a push to end that was begun; nobody else may begin it anew


class Worker:
    """Plays the runs it is handed. Its thread stays for the whole life of the process on purpose: the kernel kills
    a sandbox when the *thread* that started it ends."""

    def __init__(self, worker_id: str, equipment: Equipment) -> None:
        self.worker_id = worker_id
        self._equipment = equipment
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="mogplex-worker", daemon=True)
        self._watcher = Watcher(equipment.attempts, worker_id)
        self._running: dict[str, asyncio.Future[None]] = {}
        self._stops: dict[str, Stop] = {}  # of claimed runs
        self._closing = False

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()

    def play(self, run_id: str) -> Future[None]:
        """Play one attempt of the run, if it can still be claimed. Called from any thread; never raises."""
        return asyncio.run_coroutine_threadsafe(self._play(run_id), self._loop)

    def drain(self, seconds: float) -> None:
        """Take nothing more; let attempts end for `seconds`, and those that deliver for DELIVERY_SECONDS more, then
        hand back what still runs."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._drain(seconds), self._loop).result()

    def stop(self) -> None:
        """End the loop. Nothing may be running any more: call `drain` first."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._cancel_waiting(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=STOP_SECONDS)

    def running(self) -> list[str]:
        """The ids of the runs that this worker executes now."""
        return list(self._running)

    def probe(self) -> Probe:
        """Whether the sandbox driver works, tried on the loop that will use it."""
        return asyncio.run_coroutine_threadsafe(self._equipment.driver.probe(), self._loop).result()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    async def _begin(self) -> None:
        self._watching = asyncio.create_task(self._watcher.watch())

    async def _play(self, run_id: str) -> None:
        attempt = asyncio.ensure_future(self._attempt(run_id))
        self._running[run_id] = attempt
        try:
            if self._closing:
                attempt.cancel()
            await asyncio.wait({attempt})
            if attempt.cancelled():
                # Handed back: to return would tell the dispatcher that the run is done with.
                await asyncio.Event().wait()
            elif attempt.exception() is not None:
                log.error("run %s: the attempt broke", run_id, exc_info=attempt.exception())
        finally:
            attempt.cancel()
            if self._running.get(run_id) is attempt:  # a newer attempt of the same run may be here by now
                del self._running[run_id]

    async def _attempt(self, run_id: str) -> None:
        run = await patiently(self._equipment.attempts.claim, run_id, self.worker_id)
        if run is None:
            log.info("run %s is no longer to be had", run_id)
            return
        stop = self._stops[run_id] = Stop()
        self._watcher.add(run_id, stop)
        try:
            await Attempt(run, self._equipment, stop).play()
            self._equipment.on_ended(run_id)
        finally:
            self._watcher.remove(run_id, stop)
            if self._stops.get(run_id) is stop:
                del self._stops[run_id]

    async def _drain(self, seconds: float) -> None:
        self._closing = True
        attempts = set(self._running.values())
        if attempts and seconds > 0:
            log.info("draining: %d runs may go on for %g s", len(attempts), seconds)
            await asyncio.wait(attempts, timeout=seconds)
        delivering = {run_id for run_id, stop in self._stops.items() if stop.delivering}
        await self._hand_back(set(self._running) - delivering)
        if pushing := [self._running[run_id] for run_id in delivering & set(self._running)]:
            await asyncio.wait(pushing, timeout=DELIVERY_SECONDS)
        await self._hand_back(set(self._running))
        self._watching.cancel()

    async def _hand_back(self, run_ids: set[str]) -> None:
        attempts = [attempt for run_id in run_ids if not (attempt := self._running[run_id]).done()]
        for attempt in attempts:
            attempt.cancel()
        if attempts:
            await asyncio.wait(attempts, timeout=STOP_SECONDS)

    async def _cancel_waiting(self) -> None:
        waiting = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
