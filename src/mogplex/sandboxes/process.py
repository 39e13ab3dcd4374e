"""A running bubblewrap sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from socket import socket

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Limits, SandboxExit
from mogplex.sandboxes.census import find_command, is_alive, list_members
from mogplex.sandboxes.cgroup import Group, Usage
from mogplex.sandboxes.gate import Gate
from mogplex.sandboxes.handle import ProcessHandle
from mogplex.sandboxes.listeners import SocketMaker
from mogplex.sandboxes.output import OutputPipe
from mogplex.sandboxes.status import FirstProcess, StatusPipe
from mogplex.sandboxes.watchdog import Watchdog

_BIRTH_SECONDS = 5.0  # how long a kill waits for the first process to show before it kills bwrap alone
_MOST_LIKELY_FIRST_VICTIM = b"1000"  # oom_score_adj


class BubblewrapProcess:
    """One sandbox from the fork of bwrap to the end of its last process.

    Belongs to the event loop it was made in. A task of its own sees it to its end, so cancelling a caller of `wait`
    leaks nothing; but only the caller can decide to end the sandbox: `kill` in a `finally`.
    """

    def __init__(
        self,
        name: str,
        popen: subprocess.Popen[bytes],
        pipes: tuple[OutputPipe, OutputPipe],
        status: StatusPipe,
        gate: Gate,
        group: Group | None,
        enforced: Mapping[str, str],
    ) -> None:
        self.name = name
        self._popen = popen
        self._stdout, self._stderr = pipes
        self._status = status
        self._gate = gate
        self._group = group
        self._enforced = dict(enforced)
        self._outer = ProcessHandle(popen.pid)
        self._first: FirstProcess | None = None
        self._first_handle: ProcessHandle | None = None
        self._cause: str | None = None
        self._loop = asyncio.get_running_loop()
        self._opened_at: float | None = None  # monotonic seconds
        self._timers: list[asyncio.TimerHandle] = []
        self._watchdog: Watchdog | None = None
        self._watching: asyncio.Task[None] | None = None
        self._listeners: dict[int, socket] = {}
        self._born = asyncio.Event()
        self._ending = asyncio.create_task(self._see_to_end(), name=f"sandbox {name}")

    @property
    def enforced(self) -> Mapping[str, str]:
        return self._enforced

    @property
    def stdout(self) -> OutputPipe:
        return self._stdout

    @property
    def stderr(self) -> OutputPipe:
        return self._stderr

    @property
    def listeners(self) -> Mapping[int, socket]:
        return self._listeners

    # --- start -------------------------------------------------------------------------------------------------

    async def prepare(self) -> FirstProcess:
        """Wait until the sandbox stands at its gate, limited. Raises SandboxError with what bwrap said."""
        await self._born.wait()
        first = self._first
        if first is not None and self._cause is None:
            _offer_to_oom_killer(first.pid)
            if self._group is not None:
                try:
                    await asyncio.to_thread(self._group.add, first.pid)
                except SandboxError:
                    if is_alive(first.pid):
                        raise
                    # bwrap has given up meanwhile, and its own words say why
            ready = asyncio.ensure_future(self._gate.wait_ready())
            try:
                await asyncio.wait({ready, self._ending}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ready.cancel()
        if first is None or self._ending.done() or self._cause is not None or not self._gate.is_ready():
            raise SandboxError(await self._explain())
        return first

    async def listen(self, maker: SocketMaker) -> None:
        """Open the listeners while the sandbox stands at its gate. Raises SandboxError."""
        assert self._first_handle is not None, "prepare() comes first"
        listeners = await maker.make(self._first_handle)
        if self._ending.done():  # killed meanwhile, so nobody would close them any more
            _close(listeners)
            raise SandboxError(await self._explain())
        self._listeners = listeners

    async def _explain(self) -> str:
        self.kill()
        await asyncio.shield(self._ending)
        said = self._stderr.take().decode(errors="replace").strip() or f"exit code {self._popen.returncode}"
        self.close()
        return f"Cannot make sandbox {self.name!r}: {said}"

    def open(self, program: bytes, limits: Limits, make_watchdog: Callable[[Callable[[str], None]], Watchdog]) -> None:
        """Let the command run under the seccomp `program`, and start clock and watchdog."""
        assert self._first is not None, "prepare() comes first"
        self._opened_at = time.monotonic()
        self._timers.append(self._loop.call_later(limits.wall_seconds, self._end, "wall_clock"))
        self._watchdog = make_watchdog(self._end)
        self._watching = asyncio.create_task(self._watchdog.watch(self._first), name=f"watchdog {self.name}")
        self._gate.open(program)

    # --- the port ----------------------------------------------------------------------------------------------

    def cpu_seconds(self) -> float | None:
        """From the control group, else what the watchdog saw last."""
        if self._group is not None and not self._ending.done():
            with contextlib.suppress(OSError):  # the group goes when the sandbox ends
                return self._group.usage().cpu_seconds
        return None if self._watchdog is None else self._watchdog.cpu_seconds

    def interrupt(self) -> None:
        """SIGINT to the command, if it still runs."""
        if self._first is None or self._ending.done():
            return
        pid = find_command(self._first.pid)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            command = ProcessHandle(pid)
            if find_command(self._first.pid) == pid:  # the number was not given away before the handle was open
                command.send(signal.SIGINT)
            command.close()

    def kill(self) -> None:
        """End every process of the sandbox now."""
        self._end("caller")

    async def wait(self) -> SandboxExit:
        """Return once no process of the sandbox is left. Any number of callers, each may be cancelled."""
        return await asyncio.shield(self._ending)

    def close(self) -> None:
        """Drop what was not read of the output."""
        self._stdout.close()
        self._stderr.close()

    # --- the end -----------------------------------------------------------------------------------------------

    def _end(self, cause: str) -> None:
        if self._cause is None and not self._ending.done():
            self._cause = cause
        self._gate.close()
        if self._first_handle is not None:
            self._slay()
        elif not self._timers and not self._ending.done():
            # Killed while bwrap was making its first process: that one would outlive it, so wait for it to show.
            self._timers.append(self._loop.call_later(_BIRTH_SECONDS, self._slay))

    def _slay(self) -> None:
        # bwrap first: an exit code that it still reports was there before the kill.
        self._outer.send(signal.SIGKILL)
        if self._first_handle is not None:
            self._first_handle.send(signal.SIGKILL)

    async def _see_to_end(self) -> SandboxExit:
        try:
            self._first = await self._status.read()
            if self._first is not None:
                with contextlib.suppress(ProcessLookupError):
                    self._first_handle = ProcessHandle(self._first.pid)
                if self._cause is not None:
                    self._slay()
                self._born.set()
                await self._status.read()
            await self._outer.wait_exit()
            self._popen.wait()  # reaps; has ended already
            if self._first_handle is not None:
                self._first_handle.send(signal.SIGKILL)  # bwrap's own end does that too, but for a short time at birth
                await self._first_handle.wait_exit()
            self._stop_watching()
            return await self._account()
        except asyncio.CancelledError:
            self._end_with_loop()
            raise
        finally:
            self._release()

    def _end_with_loop(self) -> None:
        """The loop is shutting down and nothing can be awaited: end the sandbox here and now, blocking."""
        self._gate.close()
        if self._first is None and (first := self._status.read_now(_BIRTH_SECONDS)) is not None:
            with contextlib.suppress(ProcessLookupError):
                self._first_handle = ProcessHandle(first.pid)
        self._slay()
        self._popen.wait()
        if self._group is not None:
            self._group.remove()

    async def _account(self) -> SandboxExit:
        wall_seconds = 0.0 if self._opened_at is None else time.monotonic() - self._opened_at
        left, usage = await asyncio.to_thread(self._measure)
        if self._cause is None and usage.out_of_memory:
            self._cause = "memory"
        code = self._status.exit_code
        if self._cause is None and code is None:
            self._cause = "lost"
        elif self._cause not in (None, "memory") and code is not None:
            self._cause = None  # the command had ended before the kill
        watched = self._watchdog
        cpu_seconds = usage.cpu_seconds if usage.cpu_seconds is not None else watched.cpu_seconds if watched else 0.0
        peak = usage.peak_memory_bytes
        if peak is None and watched is not None:
            peak = watched.peak_memory_bytes
        return SandboxExit(
            exit_code=code if self._cause is None else None,
            killed_by=self._cause,
            wall_seconds=wall_seconds,
            cpu_seconds=cpu_seconds,
            peak_memory_bytes=peak,
            processes_left=left,
        )

    def _measure(self) -> tuple[int, Usage]:
        left = set() if self._first is None else set(list_members(self._first.namespace))
        usage = Usage(None, None, 0)
        if self._group is not None:
            left.update(filter(is_alive, self._group.members()))
            usage = self._group.usage()
            self._group.remove()
        return len(left), usage

    def _stop_watching(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._watching is not None:
            self._watching.cancel()

    def _release(self) -> None:
        self._born.set()
        self._stop_watching()
        self._gate.close()
        self._status.close()
        _close(self._listeners)
        self._outer.close()
        if self._first_handle is not None:
            self._first_handle.close()


def _close(listeners: Mapping[int, socket]) -> None:
    for listener in listeners.values():
        listener.close()


def _offer_to_oom_killer(pid: int) -> None:
    """When the whole machine runs out of memory, sandboxes go before anything else on it."""
    with contextlib.suppress(OSError):  # only a hint to the kernel: refused, it changes no limit
        Path(f"/proc/{pid}/oom_score_adj").write_bytes(_MOST_LIKELY_FIRST_VICTIM)
