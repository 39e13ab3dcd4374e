"""Serving the application: a port, signals, and an end that does not wait for open streams."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from mogplex.api.protocol import Protocol
from mogplex.domain.errors import ServiceUnavailable

GRACE_SECONDS = 10  # for requests that are being answered when the stop comes; streams end at once
SETTLE_SECONDS = 0.2  # when stopping: for who is connected to say what is wanted
ABORT_SECONDS = 0.5  # when stopping: after which a connection that is closing but whose client takes nothing is cut
SWEEP_SECONDS = 10.0  # the same while serving
BACKLOG = 2048


class Server(uvicorn.Server):
    """uvicorn waits for open answers before it stops, and an event stream never ends: so it is told to, first."""

    def __init__(
        self,
        app: FastAPI,
        on_stop: Callable[[], None] | None = None,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        """Both are called in the event loop and must return at once: `on_start` when requests and signals are taken
        from now on, `on_stop` at each signal.
        """
        config = uvicorn.Config(
            app,
            lifespan="on",
            loop="uvloop",
            http=Protocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)
        self._app = app
        self._on_stop = on_stop
        self._on_start = on_start
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweeping: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._sweeping = asyncio.create_task(self._sweep(SWEEP_SECONDS))
        await super().startup(sockets)
        if self._on_start is not None and not self.should_exit:
            self._on_start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal stops in order, a second one at once. The signal is not raised again afterwards, so that
        whoever called `run_server` can put away the rest of the house.
        """
        self.force_exit = self.should_exit
        self.stop()

    def stop(self) -> None:
        """Stop in order; from any thread."""
        self.should_exit = True
        if self._loop is None:  # before the start: it will not take place
            self._close()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        self._app.state.tails.close()
        if self._on_stop is not None:
            self._on_stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.tails.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._sweeping = asyncio.create_task(self._sweep(ABORT_SECONDS))
        try:
            await self._take_last(sockets or [])
            await super().shutdown(sockets)
        finally:
            self._sweeping.cancel()

    async def _take_last(self, sockets: list[socket.socket]) -> None:
        """Close the door behind those who are in already: the system would cut whoever it has let in and we have not,
        and uvicorn whoever has not said a word yet. Both may have sent a whole request.
        """
        waiting = [connection for listener in sockets for connection in _accept_all(listener)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            with contextlib.suppress(OSError):  # it went away itself
                await loop.connect_accepted_socket(self._make_protocol, connection)
        await asyncio.sleep(SETTLE_SECONDS)

    def _make_protocol(self) -> Protocol:
        return Protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def _sweep(self, seconds: float) -> None:
        """A closed connection stays until its client has taken what was sent; a client that does not, never would.

        So who is found closing twice in a row is cut.
        """
        before: set[asyncio.Transport] = set()
        while True:
            await asyncio.sleep(seconds / 2)
            transports = {getattr(connection, "transport", None) for connection in self.server_state.connections}
            closing = {each for each in transports if each is not None and each.is_closing()}
            for transport in closing & before:
                transport.abort()
            before = closing


def _accept_all(listener: socket.socket) -> Iterator[socket.socket]:
    """Connections that wait to be taken now."""
    with contextlib.suppress(OSError):  # nobody waits (any more)
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection


def open_listener(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises ServiceUnavailable that says what is in the way."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as fault:
        raise ServiceUnavailable(
            f"{host!r} is not an address of this machine: {fault}. Give another --host."
        ) from fault
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as fault:
        listener.close()
        raise ServiceUnavailable(
            f"Can't listen on {host} port {port}: {fault.strerror}. Stop what uses it, or give another --port."
        ) from fault
    listener.set_inheritable(True)
    return listener


def url_of(listener: socket.socket) -> str:
    """What to give callers on this machine: `http://127.0.0.1:7433`."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def run_server(
    app: FastAPI,
    host: str,
    port: int,
    *,
    on_start: Callable[[str], None] | None = None,
    on_stop: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then return. Raises ServiceUnavailable when the port can't be had.

    `on_start(url)` is called once requests and signals are taken, `on_stop()` at each signal; both in the event loop.
    """
    listener = open_listener(host, port)
    url = url_of(listener)
    try:
        Server(app, on_stop, None if on_start is None else lambda: on_start(url)).run(sockets=[listener])
    finally:
        listener.close()
