"""A running container."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from socket import socket

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Limits, SandboxExit
from mogplex.sandboxes.census import list_children, list_members
from mogplex.sandboxes.cgroup import Group, Usage
from mogplex.sandboxes.container_engine import ContainerEnd, ContainerEngine
from mogplex.sandboxes.container_room import ContainerRoom, open_gate
from mogplex.sandboxes.handle import ProcessHandle
from mogplex.sandboxes.hierarchy import find_group
from mogplex.sandboxes.output import OutputPipe
from mogplex.sandboxes.status import FirstProcess
from mogplex.sandboxes.watchdog import Watchdog

log = logging.getLogger(__name__)

_NOTICE_SECONDS = 10.0  # for the engine to notice that a container has ended
_POLL_SECONDS = 0.02
_KILLED = 128 + signal.SIGKILL


class ContainerProcess:
    """One container from its gate to its removal. Belongs to the event loop it was made in.

    A task of its own sees it to its end, so cancelling a caller of `wait` leaks nothing; but only the caller can decide
    to end the container: `kill` in a `finally`.
    """

    def __init__(
        self,
        name: str,
        engine: ContainerEngine,
        room: ContainerRoom,
        pid: int,
        pipes: tuple[OutputPipe, OutputPipe],
        listeners: Mapping[int, socket],
        enforced: Mapping[str, str],
        handle: ProcessHandle,
    ) -> None:
        """The container stands at its gate. `pid`: its first process, held by `handle`. Raises SandboxError."""
        self.name = name
        self.stdout, self.stderr = pipes
        self.enforced = dict(enforced)
        self.listeners = dict(listeners)
        self._engine = engine
        self._room = room
        self._handle = handle
        try:
            self._first = FirstProcess(pid, Path(f"/proc/{pid}/ns/pid").stat().st_ino)
            (command,) = list_children(pid)
            self._command = ProcessHandle(command)
        except (OSError, ValueError) as error:
            raise SandboxError(f"Container {room.folder.name} has ended before its command.") from error
        self.group: Group | None = find_group(pid)
        self._cause: str | None = None
        self._loop = asyncio.get_running_loop()
        self._started_at = time.monotonic()
        self._timers: list[asyncio.TimerHandle] = []
        self._watchdog: Watchdog | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ending = asyncio.create_task(self._see_to_end(), name=f"container {name}")

    async def open(
        self, gate: int, script: bytes, limits: Limits, make_watchdog: Callable[[Callable[[str], None]], Watchdog]
    ) -> None:
        """Let the command run, and start clock and watchdog. Raises SandboxError."""
        self._started_at = time.monotonic()
        self._timers.append(self._loop.call_later(limits.wall_seconds, self._end, "wall_clock"))
        self._watchdog = make_watchdog(self._end)
        self._watching = asyncio.create_task(self._watchdog.watch(self._first), name=f"watchdog {self.name}")
        await open_gate(gate, script)

    # --- the port ----------------------------------------------------------------------------------------------

    def cpu_seconds(self) -> float | None:
        """From its control group, else what the watchdog saw last."""
        seconds = self._read_usage().cpu_seconds
        return seconds if seconds is not None or self._watchdog is None else self._watchdog.cpu_seconds

    def interrupt(self) -> None:
        """SIGINT to the command, if it still runs."""
        if not self._ending.done():
            self._command.send(signal.SIGINT)

    def kill(self) -> None:
        """End every process of the container now."""
        self._end("caller")

    async def wait(self) -> SandboxExit:
        """Return once the container is gone. Any number of callers, each may be cancelled."""
        return await asyncio.shield(self._ending)

    # --- the end -----------------------------------------------------------------------------------------------

    def _end(self, cause: str) -> None:
        if self._cause is None and not self._ending.done():
            self._cause = cause
            # Its first process takes all others along, sooner than the engine's own command could.
            self._handle.send(signal.SIGKILL)

    async def _see_to_end(self) -> SandboxExit:
        try:
            await self._handle.wait_exit()
            usage = self._read_usage()  # at once: the engine will remove the group
            wall_seconds = time.monotonic() - self._started_at
            self._stop_watching()
            left = await asyncio.to_thread(list_members, self._first.namespace)
            end = await self._read_end()
            await self._engine.in_thread(remove_container, self._engine, self._room)
            return self._account(end, usage, wall_seconds, len(left))
        except asyncio.CancelledError:  # the loop is shutting down, and nothing can be awaited
            self._handle.send(signal.SIGKILL)
            remove_container(self._engine, self._room)
            raise
        finally:
            self._stop_watching()
            for listener in self.listeners.values():
                listener.close()
            self._handle.close()
            self._command.close()

    async def _read_end(self) -> ContainerEnd | None:
        deadline = time.monotonic() + _NOTICE_SECONDS
        try:
            while (end := await self._engine.in_thread(self._engine.read_end, self._room.folder.name)) is None:
                if time.monotonic() > deadline:
                    return None
                await asyncio.sleep(_POLL_SECONDS)
        except SandboxError as error:
            log.warning("container %s: %s", self._room.folder.name, error.message)
            return None
        return end

    def _account(self, end: ContainerEnd | None, usage: Usage, wall_seconds: float, left: int) -> SandboxExit:
        watched = self._watchdog
        if end is not None and end.exit_code != _KILLED and self._cause not in (None, "memory"):
            self._cause = None  # the command had ended before the kill
        if self._cause is None and (usage.out_of_memory or (end is not None and end.out_of_memory)):
            self._cause = "memory"
        if self._cause is None and end is None:
            self._cause = "lost"
        peak = usage.peak_memory_bytes or (watched.peak_memory_bytes if watched else None)
        cpu_seconds = usage.cpu_seconds if usage.cpu_seconds is not None else watched.cpu_seconds if watched else 0.0
        return SandboxExit(
            exit_code=end.exit_code if end is not None and self._cause is None else None,
            killed_by=self._cause,
            wall_seconds=wall_seconds,
            cpu_seconds=cpu_seconds,
            peak_memory_bytes=peak,
            processes_left=left,
        )

    def _read_usage(self) -> Usage:
        if self.group is not None:
            with contextlib.suppress(OSError):  # it went away while it was read
                return self.group.usage()
        return Usage(None, None, 0)

    def _stop_watching(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._watching is not None:
            self._watching.cancel()


def remove_container(engine: ContainerEngine, room: ContainerRoom) -> None:
    """Kill it by name, and remove it and its room. Blocks for some tenths of a second."""
    try:
        engine.remove(room.folder.name)
    except SandboxError as error:  # the next worker's sweep tries again
        log.warning("container %s could not be removed: %s", room.folder.name, error.message)
    room.remove()
