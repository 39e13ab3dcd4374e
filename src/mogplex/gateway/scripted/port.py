"""A TCP port that can be closed and opened again, so that a client can be refused on demand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

BACKLOG = 128


class Port:
    """Bound from the start, so that its number is known; listening only while it is open."""

    def __init__(self, host: str, port: int) -> None:
        """Raises OSError when the address is taken."""
        self._socket = _bind(host, port)
        if port == 0:
            # A port that the kernel chose is given back when listening stops; one that was asked for is kept.
            chosen = self._socket
            self._socket = _bind(host, chosen.getsockname()[1])
            chosen.close()
        self._server: asyncio.Server | None = None

    @property
    def number(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def open(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Listen, and hand each connection to a new protocol."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(protocol, sock=self._socket.dup(), backlog=BACKLOG)

    def shut(self) -> None:
        """Stop listening: from now on connections are refused. Those that exist stay."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        # The descriptor that was served is closed, but this one holds the same socket, which would go on listening.
        self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut()
        self._socket.close()


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
