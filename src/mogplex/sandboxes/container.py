"""Sandboxes made by podman or docker: an image for each repo, and the same walls as bubblewrap's around it.

A container has no network and no relay. It is made with a shell that waits at a gate (see `container_room.py`);
meanwhile listeners are opened inside its network namespace from outside, as for bubblewrap.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from socket import socket

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import HOST_IMAGE, Probe, SandboxSpec
from mogplex.sandboxes.arguments import build_files
from mogplex.sandboxes.cgroup import is_orphan, name_group
from mogplex.sandboxes.container_arguments import (
    EMPTY_IMAGE,
    LABEL,
    build_host_image,
    build_run,
    build_script,
    check_container,
    find_init,
)
from mogplex.sandboxes.container_engine import ContainerEngine, EngineFacts, environment, find_engine
from mogplex.sandboxes.container_process import ContainerProcess, remove_container
from mogplex.sandboxes.container_profile import build_profile
from mogplex.sandboxes.container_room import ContainerRoom, sweep_rooms
from mogplex.sandboxes.disk import DiskLedger, look_at_free
from mogplex.sandboxes.handle import ProcessHandle
from mogplex.sandboxes.keeper import Keeper
from mogplex.sandboxes.listeners import SocketMaker
from mogplex.sandboxes.remedy import explain_container_failure
from mogplex.sandboxes.runner import Runner
from mogplex.sandboxes.watchdog import DiskRules, Watchdog

_GATE_SECONDS = 60.0  # from the first process to the gate; for a machine that hardly moves


class ContainerDriver:
    """Starts sandboxes with podman(1) or docker(1).

    `engine`: "podman" or "docker"; None takes the one installed. `image`: what a spec without an image runs in; ""
    shows this machine's own /usr, as bubblewrap does. Images must be there already: nothing is ever pulled.
    """

    can_listen = True

    def __init__(
        self,
        runner: Runner | None = None,
        toolchains: Sequence[Path] = (),
        engine: str | None = None,
        image: str = "",
        disk_rules: DiskRules = DiskRules(),  # noqa: B008 - immutable
        rooms: Path | None = None,
    ) -> None:
        self.runner = runner or Runner.detect()
        self._toolchains = tuple(toolchains)
        self._engine: ContainerEngine = find_engine(engine)
        self.name = self._engine.name
        self._image = image
        self._disk_rules = disk_rules
        self._parent = rooms or Path(tempfile.gettempdir())
        self._ledger = DiskLedger()
        self._worker = name_group()  # on the labels of its containers: not those of another driver in this process
        self._rooms = self._parent / self._worker
        self._ready = asyncio.Lock()
        self._facts: EngineFacts | None = None
        self._keeper: Keeper | None = None
        self._images: set[str] = set()

    # --- the port ----------------------------------------------------------------------------------------------

    async def probe(self) -> Probe:
        """Start `true` in a container. `facts`: engine, version, uid, and `limit.<name>` for how each is enforced."""
        facts = {"uid": str(self.runner.uid), "engine": self.name, "image": self._image or "this machine's /usr"}
        try:
            facts["version"] = (await self._prepare()).version
            process = await self.start(SandboxSpec("probe", ("/bin/sh", "-c", ":"), directory="/"))
        except SandboxError as error:
            detail, remedy = explain_container_failure(self.name, error.message)
            return Probe(False, detail, remedy, facts)
        try:
            ending = await process.wait()
        finally:
            process.kill()
        facts.update({f"limit.{name}": means for name, means in process.enforced.items()})
        if ending.exit_code != 0:
            return Probe(False, f"a shell in a container ended with {ending.exit_code}", None, facts)
        return Probe(True, f"{self.name} {facts['version']} works as uid {self.runner.uid}", None, facts)

    async def start(self, spec: SandboxSpec) -> ContainerProcess:
        """Start `spec`. The caller ends it: `kill()` and `await wait()` in a `finally`.

        Raises SandboxError when the container cannot be made. A command that cannot be executed ends with 127 or 126,
        a missing `directory` with 2, as in a shell.
        """
        check_container(spec)
        facts = await self._prepare()
        image = spec.image or self._image
        image = "" if image == HOST_IMAGE else image
        await self._require(image)
        room = ContainerRoom(self._rooms, name_group(), self.runner)
        starting = asyncio.create_task(self._start(spec, facts, room, image))
        try:
            return await asyncio.shield(starting)
        except BaseException as error:
            # Also when cancelled: what runs in a thread goes on, and a half-made container must not outlive this call.
            (made,) = await asyncio.gather(starting, return_exceptions=True)
            if isinstance(made, ContainerProcess):
                made.kill()
                await made.wait()
            await self._engine.in_thread(remove_container, self._engine, room)
            if isinstance(error, OSError):
                raise SandboxError(f"Cannot start container {spec.name!r}: {error}") from error
            raise

    # --- parts -------------------------------------------------------------------------------------------------

    async def _start(self, spec: SandboxSpec, facts: EngineFacts, room: ContainerRoom, image: str) -> ContainerProcess:
        writable = (*(mount.source for mount in spec.mounts if mount.writable), room.home)
        with contextlib.ExitStack() as stack:
            await asyncio.to_thread(room.make, find_init(), build_files(self.runner), build_profile(), spec.stdin)
            for path in writable:
                if look_at_free(path).size_bytes < self._disk_rules.free_bytes:
                    raise SandboxError(f"Fewer than {self._disk_rules.free_bytes} bytes are free at {path}: make room.")
            pipes = room.open_output("out"), room.open_output("err")
            for pipe in pipes:
                stack.callback(pipe.close)
            maker = SocketMaker(spec.name, spec.listeners) if spec.listeners else None
            if maker is not None:
                stack.callback(maker.close)
            arguments = build_run(spec, self._engine, facts, self.runner, room, image, self._toolchains, self._worker)
            await self._engine.in_thread(self._engine.call, *arguments)
            pid = await self._engine.in_thread(self._engine.first_process, room.folder.name, room.pidfile)
            handle = _hold(pid, self.name)
            stack.callback(handle.close)
            gate = await self._reach_gate(room, handle)
            stack.callback(_close, gate)
            listeners: Mapping[int, socket] = {} if maker is None else await maker.make(handle)
            for listener in listeners.values():
                stack.callback(listener.close)
            process = ContainerProcess(
                spec.name, self._engine, room, pid, pipes, listeners, self._enforced(spec, facts), handle
            )
            stack.pop_all()  # the process has them now
            if maker is not None:
                maker.close()
        for pipe in pipes:
            pipe.detach()

        def make_watchdog(end: Callable[[str], None]) -> Watchdog:
            return Watchdog(spec.limits, writable, process.group, self._disk_rules, self._ledger, end)

        try:
            await process.open(gate, build_script(spec), spec.limits, make_watchdog)
        except SandboxError:
            process.kill()
            await process.wait()
            raise
        return process

    async def _reach_gate(self, room: ContainerRoom, handle: ProcessHandle) -> int:
        reaching = asyncio.create_task(room.reach_gate())
        ending = asyncio.create_task(handle.wait_exit())
        try:
            await asyncio.wait({reaching, ending}, timeout=_GATE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if reaching.done():
                return reaching.result()
        finally:
            for task in (reaching, ending):
                task.cancel()
            await asyncio.gather(reaching, ending, return_exceptions=True)
        raise SandboxError(
            f"Container {room.folder.name} never came to its command: its image must have a /bin/sh that runs here."
        )

    async def _prepare(self) -> EngineFacts:
        """What the engine is; the first call also ends what killed workers left behind."""
        if self._facts is not None:
            return self._facts
        async with self._ready:
            if self._facts is None:
                find_init()
                facts = await self._engine.in_thread(self._engine.describe)
                await self._engine.in_thread(self._sweep)
                self._keeper = Keeper.of_containers(
                    self._engine.command(), f"{LABEL}={self._worker}", self._rooms, environment()
                )
                self._facts = facts
            return self._facts

    def _sweep(self) -> None:
        left = self._engine.list_containers(LABEL)
        orphans = [name for name in left if is_orphan(name)]
        if orphans:
            self._engine.remove(*orphans)
        sweep_rooms(self._parent)

    async def _require(self, image: str) -> None:
        """Make sure that the image is there; the empty one is made when it is missing. Raises SandboxError."""
        wanted = image or EMPTY_IMAGE
        if wanted in self._images:
            return
        async with self._ready:
            if not await self._engine.in_thread(self._engine.has_image, wanted):
                if image:
                    raise SandboxError(
                        f"There is no image {image!r} here, and a run pulls none. Type: {self.name} pull {image}"
                    )
                await self._engine.in_thread(self._import_host_image)
        self._images.add(wanted)

    def _import_host_image(self) -> None:
        self._engine.call("import", "-", EMPTY_IMAGE, stdin=build_host_image())

    def _enforced(self, spec: SandboxSpec, facts: EngineFacts) -> dict[str, str]:
        return {
            "wall_seconds": "timer",
            "memory_bytes": "cgroup" if facts.limits else "watchdog",
            "processes": "cgroup" if facts.limits else "rlimit",
            "open_files": "rlimit",
            "file_bytes": "rlimit",
            "disk_bytes": "watchdog",
            "tmp_bytes": "tmpfs",
            "cpu_cores": "cgroup" if facts.limits and spec.limits.cpu_cores is not None else "none",
        }


def _hold(pid: int, engine: str) -> ProcessHandle:
    """The container's first process. Raises SandboxError when it is not one of this machine, or has ended."""
    try:
        handle = ProcessHandle(pid)
        inside = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("NSpid"))
    except (OSError, ValueError, StopIteration) as error:
        raise SandboxError(f"The container has ended at once, or {engine} runs on another machine.") from error
    if inside.split()[-1] != "1":
        handle.close()
        raise SandboxError(f"{engine} names process {pid}, which is no container's first: is it on another machine?")
    return handle


def _close(fd: int) -> None:
    with contextlib.suppress(OSError):
        os.close(fd)
