"""Listening sockets inside a sandbox's network namespace, held and served from outside.

This is how a sandbox without a network reaches a proxy of ours: nothing in it has to run, be mounted or be trusted,
and whoever connects is known by the socket that the connection came in on.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.sandboxes import socket_maker
from mogplex.sandboxes.handle import ProcessHandle, wait_readable

_NS_GET_USERNS = 0xB701  # ioctl of <linux/nsfs.h>: the user namespace that owns a namespace
_ANSWER_SECONDS = 10.0  # it takes tens of milliseconds; this is for a machine that hardly moves


class SocketMaker:
    """The program that opens the sockets, started early: it comes up while bwrap makes the sandbox.

    Belongs to the event loop it was made in. `close` it in any case.
    """

    def __init__(self, name: str, ports: Sequence[int]) -> None:
        """Raises SandboxError when a port is out of range, named twice, or the program cannot be started."""
        if len(ports) > socket_maker.MAX_PORTS or len(set(ports)) != len(ports):
            raise SandboxError(f"Sandbox {name!r}: listeners {list(ports)} must be few and different ports.")
        if not all(0 < port < 65536 for port in ports):
            raise SandboxError(f"Sandbox {name!r}: listeners {list(ports)} must be ports from 1 to 65535.")
        self._name = name
        self._ports = tuple(ports)
        self._channel, theirs = socket.socketpair()
        self._channel.setblocking(False)
        source = Path(socket_maker.__file__).read_text(encoding="utf-8")
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", source, str(theirs.fileno())],
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        except (OSError, subprocess.SubprocessError) as error:
            self._channel.close()
            raise SandboxError(f"Cannot start the maker of listeners for sandbox {name!r}: {error}") from error
        finally:
            theirs.close()

    async def make(self, first: ProcessHandle) -> dict[int, socket.socket]:
        """The listeners by their ports, in the network namespace of `first`, which must not have run anything yet.

        Raises SandboxError with what the kernel said.
        """
        with contextlib.ExitStack() as stack:
            try:
                network, owner = _open_namespaces(first, stack)
            except OSError as error:
                raise SandboxError(f"Cannot open the network of sandbox {self._name!r}: {error}") from error
            try:
                socket.send_fds(self._channel, [b" ".join(b"%d" % port for port in self._ports)], [network, owner])
                await asyncio.wait_for(wait_readable(self._channel.fileno()), _ANSWER_SECONDS)
                said, descriptors, _, _ = socket.recv_fds(
                    self._channel, socket_maker.MAX_MESSAGE_BYTES, len(self._ports), socket.MSG_CMSG_CLOEXEC
                )
            except (OSError, TimeoutError) as error:
                raise SandboxError(
                    f"The maker of listeners for sandbox {self._name!r} is gone: {error or 'no answer'}."
                ) from error
        listeners = [socket.socket(fileno=fd) for fd in descriptors]
        if said != b"ok" or len(listeners) != len(self._ports):
            for listener in listeners:
                listener.close()
            raise SandboxError(
                f"Cannot listen in sandbox {self._name!r}: {said.decode(errors='replace') or 'the maker ended'}. "
                "The kernel must allow entering the sandbox's namespaces; without allowed hosts no listener is needed."
            )
        for listener in listeners:
            listener.setblocking(False)
        return dict(zip(self._ports, listeners, strict=True))

    def close(self) -> None:
        """End the program if it still runs, and reap it."""
        self._channel.close()
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGKILL)
        self._popen.wait()  # killed or ended: at once


def _open_namespaces(first: ProcessHandle, stack: contextlib.ExitStack) -> tuple[int, int]:
    """Descriptors of the network namespace of `first` and of its owner, closed with `stack`. Raises OSError."""
    network = os.open(f"/proc/{first.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, network)
    # The number may have been given to another process: what was opened counts only if the first one still lives.
    if first.has_ended():
        raise OSError("the sandbox has ended")
    if _is_ours(network):
        raise OSError("the sandbox has no network namespace of its own")
    owner = fcntl.ioctl(network, _NS_GET_USERNS)
    stack.callback(os.close, owner)
    return network, owner


def _is_ours(network: int) -> bool:
    return os.path.samestat(os.fstat(network), Path("/proc/self/ns/net").stat())
