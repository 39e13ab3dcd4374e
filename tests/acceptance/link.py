"""A wire to PostgreSQL that can be cut: bytes stop, nobody is told, as when a network fails."""

from __future__ import annotations

import contextlib
import socket
import threading

import sqlalchemy as sa


class Link:
    """`url` leads through it to the database of `target`."""

    def __init__(self, target: str) -> None:
        address = sa.make_url(target)
        self._far = (address.host or "127.0.0.1", address.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = address.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        self._whole = threading.Event()
        self._whole.set()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        """New connections work; those from before the cut are gone, as routers forget them."""
        self._drop()
        self._whole.set()

    def close(self) -> None:
        self._listener.close()
        self._drop()
        self._whole.set()

    def _drop(self) -> None:
        dropped, self._sockets = self._sockets, []
        for each in dropped:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        self._sockets.append(near)
        self._whole.wait()
        with contextlib.suppress(OSError):
            far = socket.create_connection(self._far)
            self._sockets.append(far)
            threading.Thread(target=self._carry, args=(far, near), daemon=True).start()
            self._carry(near, far)

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
