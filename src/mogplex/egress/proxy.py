"""The proxy for one run: CONNECT tunnels and plain HTTP, to allowed hosts at harmless addresses only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import h11

from mogplex.egress.address import Reach, Refused, Unresolved
from mogplex.egress.allowlist import AllowList
from mogplex.egress.authority import Authority
from mogplex.egress.forward import Exchange
from mogplex.egress.head import MAX_HEAD_BYTES, BadHead, Head, read_head
from mogplex.egress.meter import Meter
from mogplex.egress.stream import CHUNK_BYTES, Idle, Stream, pump

log = logging.getLogger(__name__)

_REASONS = {
    400: b"Bad Request",
    403: b"Forbidden by the allow-list of Mogplex",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A host that something in a sandbox asked for and did not get."""

    host: str
    port: int
    reason: str


@dataclass(frozen=True, slots=True)
class ProxyLimits:
    """What one run may ask of its proxy."""

    head_seconds: float = 10.0  # for a whole head: whoever is slower only wants to keep us busy
    dial_seconds: float = 10.0  # for each address
    idle_seconds: float = 300.0
    connections: int = 128  # at once
    lookups: int = 4  # of names, at once
    total_bytes: int = 50 * 1024**3  # both directions together


OnRefusal = Callable[[Refusal], Awaitable[None]]


class Proxy:
    """Serves any number of listeners of one run. All on one event loop."""

    def __init__(
        self,
        allow_list: AllowList,
        on_refusal: OnRefusal,
        reach: Reach = Reach(),  # noqa: B008 - immutable
        limits: ProxyLimits = ProxyLimits(),
    ) -> None:
        self._allow_list = allow_list
        self._on_refusal = on_refusal
        self._reach = reach
        self._limits = limits
        self._open = 0
        self._lookups = asyncio.Semaphore(limits.lookups)
        self.meter = Meter(limits.total_bytes)

    async def serve(self, listener: socket.socket) -> None:
        """Take over `listener` and answer whoever connects, until cancelled; then no connection is left."""
        connections: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._converse(Stream(reader, writer)))
            connections.add(task)
            task.add_done_callback(connections.discard)

        server = await asyncio.start_server(accept, sock=listener, limit=max(CHUNK_BYTES, MAX_HEAD_BYTES))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            left = list(connections)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    # --- one connection ----------------------------------------------------------------------------------------

    async def _converse(self, client: Stream) -> None:
        """From the first byte to the last; nothing that a sandbox sends may raise out of here."""
        self._open += 1
        try:
            if self._open > self._limits.connections:
                await self._answer(client, 503, "Too many connections at once.")
            else:
                await self._serve_one(client)
        except asyncio.CancelledError:
            client.abort()
            raise
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            log.debug("egress: a connection ended early: %r", error)
        except Exception:  # what went wrong in our own code ends this connection, never the others
            log.exception("egress: a connection broke")
        finally:
            try:
                await client.close()
            finally:
                self._open -= 1

    async def _serve_one(self, client: Stream) -> None:
        try:
            async with asyncio.timeout(self._limits.head_seconds):
                head = await read_head(client.reader)
        except TimeoutError:
            await self._answer(client, 408, f"No whole request came within {self._limits.head_seconds:g} s.")
            return
        except BadHead as fault:
            await self._answer(client, fault.status, fault.message)
            return
        if head is None:
            return
        host = await self._dial(client, head.authority)
        if host is None:
            return
        try:
            if head.target is None:
                await self._tunnel(head, client, host)
            else:
                await self._forward(head, client, host)
        except asyncio.CancelledError:
            host.abort()
            raise
        finally:
            await host.close()

    async def _dial(self, client: Stream, authority: Authority) -> Stream | None:
        """A connection to the host, or None after the client was told why there is none."""
        fault = self._allow_list.find_fault(authority)
        if fault is not None:
            await self._refuse(client, authority, fault, allow=True)
            return None
        if self.meter.is_used_up:
            limit = f"the run has moved its {self._limits.total_bytes:,} bytes"
            await self._refuse(client, authority, limit, allow=False)
            return None
        try:
            async with self._lookups:  # no time limit of ours: the system's thread would stay busy all the same
                addresses = await self._reach.find(authority)
        except Refused as refused:
            await self._refuse(client, authority, str(refused), allow=False)
            return None
        except Unresolved as unresolved:
            await self._answer(client, 502, str(unresolved))
            return None
        problem: Exception | None = None
        for address in addresses:
            try:
                async with asyncio.timeout(self._limits.dial_seconds):
                    # A literal address: nothing is resolved again.
                    return Stream(*await asyncio.open_connection(str(address), authority.port, limit=CHUNK_BYTES))
            except (OSError, TimeoutError) as error:
                problem = error
        status = 504 if isinstance(problem, TimeoutError) else 502
        await self._answer(client, status, f"{authority} cannot be reached: {problem or 'no answer'}")
        return None

    async def _tunnel(self, head: Head, client: Stream, host: Stream) -> None:
        name, idle = head.authority.host, Idle(self._limits.idle_seconds)
        await idle.write(client.writer, b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(pump(client, host, idle, lambda size: self._count(name, size, 0)))
                group.create_task(pump(host, client, idle, lambda size: self._count(name, 0, size)))
        except* (OSError, TimeoutError) as ended:
            log.debug("egress: tunnel to %s ended: %r", head.authority, ended.exceptions[0])
            client.abort()
            host.abort()

    async def _forward(self, head: Head, client: Stream, host: Stream) -> None:
        name, idle = head.authority.host, Idle(self._limits.idle_seconds)
        exchange = Exchange(
            head,
            client,
            host,
            idle,
            sent=lambda size: self._count(name, size, 0),
            received=lambda size: self._count(name, 0, size),
        )
        try:
            await exchange.play()
        except h11.LocalProtocolError as error:
            await self._fail(
                exchange, client, 502, f"{head.authority} gave an answer that cannot be passed on: {error}"
            )
        except h11.RemoteProtocolError as error:
            await self._fail(exchange, client, 502, f"The exchange with {head.authority} broke: {error}")
        except TimeoutError:
            await self._fail(exchange, client, 504, f"{head.authority} was silent for {self._limits.idle_seconds:g} s.")

    async def _fail(self, exchange: Exchange, client: Stream, status: int, text: str) -> None:
        if exchange.answered:
            client.abort()  # a response that is cut must not look whole
        else:
            await self._answer(client, status, text)

    def _count(self, host: str, sent: int, received: int) -> None:
        self.meter.sent(host, sent)
        self.meter.received(host, received)
        if self.meter.is_used_up:
            raise ConnectionAbortedError(f"the run has moved its {self._limits.total_bytes:,} bytes")

    # --- answers of our own ------------------------------------------------------------------------------------

    async def _refuse(self, client: Stream, authority: Authority, reason: str, *, allow: bool) -> None:
        """Tell both: the one who asked, and whoever follows the run."""
        text = f"Mogplex refused {authority}: {reason}."
        if allow:
            listed = authority.host if authority.port in (80, 443) else str(authority)
            text += (
                f"\nTo allow it: mogplex repos set REPO --allow-host {listed}"
                "\n(name the hosts that are allowed already as well: the option replaces the list)"
            )
        try:
            await self._on_refusal(Refusal(authority.host, authority.port, reason))
        finally:
            await self._answer(client, 403, text)

    async def _answer(self, client: Stream, status: int, text: str) -> None:
        body = f"{text}\n".encode("utf-8", "replace")
        reason = _REASONS.get(status, b"Error")
        head = b"HTTP/1.1 %d %b\r\nContent-Type: text/plain; charset=utf-8\r\n" % (status, reason)
        client.writer.write(head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        with contextlib.suppress(OSError, TimeoutError):  # who does not take the answer goes without
            async with asyncio.timeout(self._limits.head_seconds):
                await client.writer.drain()
                await client.drain_unread()
