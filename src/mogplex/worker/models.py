"""The models of one attempt: sets its sandbox up for the gateway, serves it, and hears what is spent."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from types import TracebackType

from mogplex.domain.ending import Cause
from mogplex.domain.errors import BadRequest
from mogplex.domain.event import EventDraft
from mogplex.domain.model import MODEL_PORT, ModelEndpoint
from mogplex.domain.model_call import ModelCall
from mogplex.domain.ports import ModelDoor, SandboxProcess, SandboxSpec
from mogplex.domain.run import Run
from mogplex.worker.activity import Activity
from mogplex.worker.equipment import Equipment
from mogplex.worker.stop import Stop
from mogplex.worker.transcript import Transcript

REFUSED_SECONDS = 10.0  # for a harness to end by itself after a call was refused for a limit


class Models:
    """For a harness without protocols it changes and opens nothing.

        async with Models(run, equipment, transcript, stop, activity) as models:
            process = await driver.start(models.equip(spec))
            models.serve(process)

    On leaving, every call was recorded.
    """

    def __init__(self, run: Run, equipment: Equipment, transcript: Transcript, stop: Stop, activity: Activity) -> None:
        self._run = run
        harness = equipment.harnesses.get(run.harness)
        self._protocols = harness.protocols if harness else ()
        self._gateway = equipment.gateway
        self._driver = equipment.driver
        self._transcript = transcript
        self._stop = stop
        self._activity = activity
        self._door: ModelDoor | None = None
        self._held = AsyncExitStack()
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Models:
        if not self._protocols:
            return self
        own = None if self._driver.can_listen else _open_own_listener()
        port = MODEL_PORT if own is None else own.getsockname()[1]
        try:
            opening = self._gateway.open(self._run, self._protocols, self, f"http://127.0.0.1:{port}")
            self._door = await self._held.enter_async_context(opening)
        except BadRequest as fault:
            if own is not None:
                own.close()
            self._stop.set(Cause.MODEL, fault.message)
            self._stop.check()
        if own is not None and self._door is not None:
            self._door.serve(own)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._held.aclose()
        if self._timer is not None:
            self._timer.cancel()

    @property
    def endpoint(self) -> ModelEndpoint | None:
        return None if self._door is None else self._door.endpoint

    def note_fault(self) -> None:
        """The harness failed. If it was left without a model, that is the cause."""
        if self._door is not None and self._door.fault is not None:
            self._stop.note(Cause.MODEL, self._door.fault)

    def equip(self, spec: SandboxSpec) -> SandboxSpec:
        """`spec` with the listener. A driver that can't make one gets by with one on the host."""
        if self._door is None or not self._driver.can_listen:
            return spec
        return replace(spec, listeners=(*spec.listeners, MODEL_PORT))

    def serve(self, process: SandboxProcess) -> None:
        """Answer what comes in on the sandbox's listener."""
        if self._door is None or not self._driver.can_listen:
            return
        listener = process.listeners[MODEL_PORT]
        if listener.fileno() >= 0:  # else the sandbox has ended already
            self._door.serve(listener.dup())  # it closes its own when it ends

    def touch(self) -> None:
        self._activity.touch()

    def tell(self, draft: EventDraft) -> None:
        self._transcript.put(draft)

    def tell_call(self, call: ModelCall) -> None:
        self._transcript.put_call(call)

    def refuse(self, detail: str) -> None:
        """The cause is recorded now. The harness gets the refusal and a moment to end in its own way, which keeps its
        session; then it is ended."""
        if self._timer is not None:
            return
        self._stop.note(Cause.BUDGET, detail)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(REFUSED_SECONDS, self._stop.set, Cause.BUDGET, detail)


def _open_own_listener() -> socket.socket:
    """On the host, for the driver that confines nothing anyway."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener
