"""The way out for the sandboxes of one attempt: sets them up for the proxy, serves it, and tells what it refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from socket import socket
from types import TracebackType

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import SandboxDriver, SandboxProcess, SandboxSpec
from mogplex.egress.address import Reach
from mogplex.egress.allowlist import AllowList
from mogplex.egress.proxy import Proxy, ProxyLimits, Refusal
from mogplex.worker.stop import OwnershipLost

log = logging.getLogger(__name__)

PORT = 3128
MAX_REFUSAL_EVENTS = 50  # further ones are only counted: a program may try again for as long as it runs
_URL = f"http://127.0.0.1:{PORT}"
_NO_PROXY = "127.0.0.1,localhost"
ENVIRONMENT = {
    # Both spellings: curl reads only the small one for http, others only the capital one.
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), _URL),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), _NO_PROXY),
}

Tell = Callable[[EventDraft], Awaitable[None]]


class Egress:
    """Without allowed hosts it changes and opens nothing.

        async with Egress(repo.allow_hosts, transcript.add, driver) as egress:
            process = await driver.start(egress.equip(spec))
            egress.serve(process)

    `tell` writes one event draft. On leaving, nothing is served any more and the traffic is told.
    """

    def __init__(
        self,
        allow_hosts: Sequence[str],
        tell: Tell,
        driver: SandboxDriver,
        reach: Reach = Reach(),  # noqa: B008 - immutable
        limits: ProxyLimits = ProxyLimits(),  # noqa: B008 - immutable
    ) -> None:
        self._allow_hosts = tuple(allow_hosts)
        self._tell = tell
        self._driver = driver
        self._proxy = Proxy(AllowList(allow_hosts), self._tell_refusal, reach, limits)
        self._serving: set[asyncio.Task[None]] = set()
        self._refusals = 0

    @property
    def is_open(self) -> bool:
        """Whether sandboxes get a way out at all."""
        return bool(self._allow_hosts) and self._driver.can_listen

    async def __aenter__(self) -> Egress:
        if self._allow_hosts and not self._driver.can_listen:
            text = f"The driver {self._driver.name} can't hold sandboxes to the allowed hosts: they reach any host."
            await self._tell(EventDraft(EventType.LOG, text, payload={"stream": "egress"}))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        if self.is_open and not isinstance(error, OwnershipLost):
            await self._tell_traffic()

    def equip(self, spec: SandboxSpec) -> SandboxSpec:
        """`spec` with the listener, and the variables by which programs find it."""
        if not self.is_open:
            return spec
        return replace(spec, environment={**spec.environment, **ENVIRONMENT}, listeners=(*spec.listeners, PORT))

    def serve(self, process: SandboxProcess) -> None:
        """Answer what comes in on the sandbox's listener, until the sandbox or this block ends."""
        if not self.is_open:
            return
        listener = process.listeners[PORT]
        if listener.fileno() < 0:
            return  # the sandbox has ended already
        listener = listener.dup()  # it closes its own when it ends
        listener.setblocking(False)
        task = asyncio.create_task(self._serve(process, listener), name="egress")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        task.add_done_callback(lambda _: listener.close())  # also when the task was cancelled before it began

    async def _serve(self, process: SandboxProcess, listener: socket) -> None:
        proxying = asyncio.create_task(self._proxy.serve(listener))
        try:
            await process.wait()
        finally:
            proxying.cancel()
            (ended,) = await asyncio.gather(proxying, return_exceptions=True)
            if isinstance(ended, Exception):
                log.error("egress: the proxy of a sandbox broke", exc_info=ended)

    async def _tell_refusal(self, refusal: Refusal) -> None:
        self._refusals += 1
        if self._refusals > MAX_REFUSAL_EVENTS:
            return
        log.info("egress: refused %s:%d: %s", refusal.host, refusal.port, refusal.reason)
        text = f"refused {refusal.host}:{refusal.port}: {refusal.reason}"
        payload = {"stream": "egress", "host": refusal.host, "port": refusal.port, "reason": refusal.reason}
        with suppress(OwnershipLost):  # the attempt learns of it by itself, and ends
            await self._tell(EventDraft(EventType.LOG, text, payload=payload))

    async def _tell_traffic(self) -> None:
        """One event with the bytes of each host and the number of refusals, if there was anything."""
        hosts = self._proxy.meter.hosts
        if not hosts and not self._refusals:
            return
        sent, received = sum(each.sent for each in hosts.values()), sum(each.received for each in hosts.values())
        text = f"{len(hosts)} hosts reached, {sent:,} bytes sent, {received:,} received, {self._refusals:,} refusals"
        traffic = {name: {"sentBytes": each.sent, "receivedBytes": each.received} for name, each in hosts.items()}
        payload = {"stream": "egress", "hosts": traffic, "refusals": self._refusals}
        await self._tell(EventDraft(EventType.LOG, text, payload=payload))
