"""The default driver: every command in a fresh bubblewrap sandbox without network, keys or a way out.

bwrap ends when the *thread* that started it ends (`--die-with-parent` is kept per thread by the kernel). So use a
driver from one long-lived event loop and nowhere else; that loop may run in any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.domain.ports import Probe, SandboxProcess, SandboxSpec
from mogplex.sandboxes.arguments import PRLIMIT, build_command, build_files, build_options, check_spec, refuse_image
from mogplex.sandboxes.census import kill_orphans
from mogplex.sandboxes.cgroup import Group
from mogplex.sandboxes.disk import DiskLedger, look_at_free
from mogplex.sandboxes.gate import Gate
from mogplex.sandboxes.hierarchy import Hierarchy
from mogplex.sandboxes.keeper import Keeper
from mogplex.sandboxes.listeners import SocketMaker
from mogplex.sandboxes.output import OutputPipe
from mogplex.sandboxes.process import BubblewrapProcess
from mogplex.sandboxes.remedy import explain_failure
from mogplex.sandboxes.runner import Runner
from mogplex.sandboxes.seccomp import build_filter
from mogplex.sandboxes.status import StatusPipe
from mogplex.sandboxes.watchdog import DiskRules, Watchdog


class BubblewrapDriver:
    """Starts sandboxes with bwrap(1).

    `runner`: who runs in them (default: `Runner.detect()`). `toolchains`: more host folders to show read-only at their
    own path. `cgroup_root`: a delegated version 2 control group; without it our own place in the tree is used when
    that is writable. `use_cgroups=False` leaves limits to rlimits and the watchdog.
    """

    name = "bubblewrap"
    can_listen = True

    def __init__(
        self,
        runner: Runner | None = None,
        toolchains: Sequence[Path] = (),
        cgroup_root: Path | None = None,
        use_cgroups: bool = True,
        disk_rules: DiskRules = DiskRules(),  # noqa: B008 - immutable
        executable: str = "bwrap",
    ) -> None:
        self.runner = runner or Runner.detect()
        self._toolchains = tuple(toolchains)
        self._cgroup_root = cgroup_root
        self._use_cgroups = use_cgroups
        self._disk_rules = disk_rules
        self._executable = executable
        self._ledger = DiskLedger()
        self._hierarchy: Hierarchy | None = None
        self._hierarchy_known = False
        self._keeper: Keeper | None = None

    # --- the port ----------------------------------------------------------------------------------------------

    async def probe(self) -> Probe:
        """Start `true` in a sandbox. `facts`: version, uid, and `limit.<name>` for how each limit is enforced."""
        facts = {"uid": str(self.runner.uid)}
        try:
            facts["version"] = await asyncio.to_thread(self._read_version)
            process = await self.start(SandboxSpec("probe", ("/usr/bin/true",), directory="/"))
        except SandboxError as error:
            detail, remedy = explain_failure(error.message)
            return Probe(False, detail, remedy, facts)
        try:
            ending = await process.wait()
        finally:
            process.kill()
        facts.update({f"limit.{name}": means for name, means in process.enforced.items()})
        if ending.exit_code != 0:
            detail, remedy = explain_failure(await _read_all(process))
            return Probe(False, f"`true` in a sandbox ended with {ending.exit_code}: {detail}", remedy, facts)
        return Probe(True, f"bubblewrap {facts['version']} works as uid {self.runner.uid}", None, facts)

    async def start(self, spec: SandboxSpec) -> BubblewrapProcess:
        """Start `spec`. The caller ends it: `kill()` and `await wait()` in a `finally`.

        Raises SandboxError when the sandbox cannot be made. A command that cannot be executed is not that: it ends
        with exit code 127 (not found) or 126, as in a shell; a missing `directory` ends as killed_by "lost" with
        bwrap's message on stderr.
        """
        check_spec(spec)
        refuse_image(spec, self.name)
        writable = tuple(mount.source for mount in spec.mounts if mount.writable)
        for path in writable:
            if look_at_free(path).size_bytes < self._disk_rules.free_bytes:
                raise SandboxError(f"Fewer than {self._disk_rules.free_bytes} bytes are free at {path}: make room.")
        program = build_filter()
        hierarchy = await self._find_hierarchy()
        group = None if hierarchy is None else hierarchy.create(spec.limits)  # 0.3 ms: not worth a thread
        process: BubblewrapProcess | None = None
        maker: SocketMaker | None = None
        try:
            if spec.listeners:
                maker = SocketMaker(spec.name, spec.listeners)
            process = self._launch(spec, group, self._enforced(spec, hierarchy))
            await process.prepare()  # from here on its namespaces exist, and nothing has run in them yet
            if maker is not None:
                await process.listen(maker)
        except BaseException:
            if process is not None:
                process.kill()
                await process.wait()  # also when cancelled: a half-made sandbox must not outlive this call
                process.close()
            elif group is not None:
                group.remove()
            raise
        finally:
            if maker is not None:
                maker.close()

        def make_watchdog(end: Callable[[str], None]) -> Watchdog:
            return Watchdog(spec.limits, writable, group, self._disk_rules, self._ledger, end)

        process.open(program, spec.limits, make_watchdog)
        return process

    # --- parts -------------------------------------------------------------------------------------------------

    async def _find_hierarchy(self) -> Hierarchy | None:
        """Where groups can be made; the first call also ends what a killed worker left behind."""
        if not self._hierarchy_known:
            if self._use_cgroups:
                self._hierarchy = await asyncio.to_thread(Hierarchy.detect, self._cgroup_root)
            self._hierarchy_known = True
            if self._hierarchy is not None:
                await asyncio.to_thread(self._hierarchy.sweep)
            await asyncio.to_thread(kill_orphans, self.runner.uid)
            self._keeper = Keeper.of_orphans(self.runner.uid)
        return self._hierarchy

    def _enforced(self, spec: SandboxSpec, hierarchy: Hierarchy | None) -> dict[str, str]:
        by_group = hierarchy is not None
        has_cpu = hierarchy is not None and "cpu" in hierarchy.parents
        return {
            "wall_seconds": "timer",
            "memory_bytes": "cgroup" if by_group else "watchdog",
            "processes": "cgroup" if by_group else "rlimit",
            "open_files": "rlimit",
            "file_bytes": "rlimit",
            "disk_bytes": "watchdog",
            "tmp_bytes": "tmpfs",
            "cpu_cores": "cgroup" if has_cpu and spec.limits.cpu_cores is not None else "none",
        }

    def _launch(self, spec: SandboxSpec, group: Group | None, enforced: Mapping[str, str]) -> BubblewrapProcess:
        """Fork bwrap. Runs in the event loop's thread on purpose: bwrap lives as long as that thread."""
        with contextlib.ExitStack() as stack:
            gate, status = Gate(), StatusPipe()
            stdout, stderr = OutputPipe(), OutputPipe()
            for ours in (gate, status, stdout, stderr):
                stack.callback(ours.detach)
            files = {name: _make_file(stack, content) for name, content in build_files(self.runner).items()}
            descriptors = {"seccomp": gate.seccomp_fd, "status": status.write_fd, "block": gate.block_fd}
            try:
                options = build_options(spec, self.runner, self._toolchains, files, descriptors)
                arguments = _make_file(stack, options)
                popen = subprocess.Popen(
                    [self._find_executable(), "--args", str(arguments), "--", *build_command(spec, group is None)],
                    env={},  # the sandbox's first process shows its environment to the programs inside
                    cwd="/",
                    stdin=_make_file(stack, spec.stdin) if spec.stdin else subprocess.DEVNULL,
                    stdout=stdout.write_fd,
                    stderr=stderr.write_fd,
                    pass_fds=(arguments, *files.values(), *descriptors.values()),
                    start_new_session=True,
                    umask=0o022,
                    **self.runner.popen_arguments(),
                )
            except (OSError, ValueError, SandboxError, subprocess.SubprocessError) as error:
                gate.close()
                for pipe in (status, stdout, stderr):
                    pipe.close()
                raise SandboxError(f"Cannot start bwrap for sandbox {spec.name!r}: {error}") from error
        return BubblewrapProcess(spec.name, popen, (stdout, stderr), status, gate, group, enforced)

    def _find_executable(self) -> str:
        found = shutil.which(self._executable)
        if found is None:
            raise SandboxError(f"{self._executable}: command not found")
        if not os.access(PRLIMIT, os.X_OK):
            raise SandboxError(f"{PRLIMIT}: command not found")
        return found

    def _read_version(self) -> str:
        try:
            said = subprocess.run([self._find_executable(), "--version"], capture_output=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise SandboxError(f"{self._executable} --version: {error}") from error
        return said.stdout.decode(errors="replace").split()[-1]


def _make_file(stack: contextlib.ExitStack, content: bytes) -> int:
    """An unnamed file in memory with `content`, open for reading only, closed with `stack`."""
    with os.fdopen(os.memfd_create("data", os.MFD_CLOEXEC), "wb") as file:
        file.write(content)
        file.flush()
        fd = os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, fd)
    return fd


async def _read_all(process: SandboxProcess) -> str:
    said = b"".join([chunk async for chunk in process.stderr])
    return said.decode(errors="replace").strip()
