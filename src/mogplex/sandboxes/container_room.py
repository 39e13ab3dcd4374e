"""The host folder of one container: its streams, its home, and the few files that it is shown.

Output does not pass through podman or docker: their clients may drop, delay or reorder it. The command writes into
named pipes of ours instead, so that a slow reader slows it down, as in every driver.

    <worker>/<name>/     0700, ours; the worker's folder is removed with it
      shared/            at /run/mogplex in the container, read-only
        init             reaps orphans as the first process
        out, err, go     pipes; the container waits at `go` until the worker lets it run
        in               what the command reads
      home/              at /home/agent
      etc/               files shown at /etc
      seccomp.json, pid
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.sandboxes.cgroup import PREFIX, is_orphan
from mogplex.sandboxes.output import OutputPipe
from mogplex.sandboxes.runner import Runner

SHARED = "/run/mogplex"
# A shell opens its script only after the lines before it: once somebody reads `go`, both streams are open.
GATE = f"exec <{SHARED}/in >{SHARED}/out 2>{SHARED}/err; . {SHARED}/go"
_POLL_SECONDS = 0.003


class ContainerRoom:
    """Made before the container, removed after it. `parent`: where the folder of this name is put."""

    def __init__(self, parent: Path, name: str, runner: Runner) -> None:
        """Raises OSError."""
        self.folder = parent / name
        self.shared = self.folder / "shared"
        self.home = self.folder / "home"
        self.etc = self.folder / "etc"
        self.profile = self.folder / "seccomp.json"
        self.pidfile = self.folder / "pid"
        self._runner = runner

    def make(self, init: Path, files: Mapping[str, bytes], profile: str, stdin: bytes) -> None:
        """Fill it. `files` are named by their place in the container, below /etc. Raises OSError."""
        _make_private(self.folder.parent)
        self.folder.mkdir(mode=0o700)
        for folder in (self.shared, self.home, self.etc):
            folder.mkdir()
        shutil.copyfile(init, self.shared / "init")
        (self.shared / "in").write_bytes(stdin)
        for name in ("out", "err", "go"):
            os.mkfifo(self.shared / name)
        self.profile.write_text(profile)
        for name, content in files.items():
            (self.etc / Path(name).name).write_bytes(content)
        for path in (*self.etc.iterdir(), self.etc):  # whatever our umask is
            path.chmod(0o755 if path.is_dir() else 0o444)
        for name, mode in {"init": 0o555, "in": 0o400, "out": 0o600, "err": 0o600, "go": 0o600, "": 0o500}.items():
            self._give(self.shared / name, mode)
        self._give(self.home, 0o700)

    def _give(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if self._runner.drops:
            os.chown(path, self._runner.uid, self._runner.gid)

    def open_output(self, name: str) -> OutputPipe:
        """The reading end of "out" or "err", with a writing end that keeps it from ending before it began."""
        reading = os.open(self.shared / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        return OutputPipe((reading, os.open(self.shared / name, os.O_WRONLY | os.O_CLOEXEC)))

    async def reach_gate(self) -> int:
        """Wait until the container reads `go`, and return the writing end. It does nothing before it is written to."""
        while True:
            try:
                return os.open(self.shared / "go", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if error.errno != errno.ENXIO:  # nobody reads yet
                    raise
            await asyncio.sleep(_POLL_SECONDS)

    def remove(self) -> None:
        """Blocks; nothing happens when it is gone."""
        remove_tree(self.folder)


async def open_gate(gate: int, script: bytes) -> None:
    """Send the script through the writing end, and close it. Raises SandboxError when the container has ended."""
    os.set_blocking(gate, True)
    try:
        await asyncio.to_thread(_write_all, gate, script)
    except OSError as error:
        raise SandboxError(f"The container ended before its command: {error.strerror}.") from error
    finally:
        os.close(gate)


def _make_private(folder: Path) -> None:
    """Make it, or go on with the one that is there, unless it is somebody else's. Raises OSError."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
            raise


def _write_all(fd: int, content: bytes) -> None:
    while content:
        content = content[os.write(fd, content) :]


def sweep_rooms(parent: Path) -> None:
    """Remove the rooms of workers that no longer exist."""
    for entry in os.scandir(parent):
        if entry.name.startswith(PREFIX) and is_orphan(entry.name) and entry.is_dir(follow_symlinks=False):
            remove_tree(Path(entry.path))


def remove_tree(folder: Path) -> None:
    """An agent may have made deep folders in its home, and closed some to us when we are not root: rm copes."""
    remove = ["/bin/rm", "-rf", "--one-file-system", "--", str(folder)]
    if subprocess.run(remove, stderr=subprocess.DEVNULL).returncode != 0:
        subprocess.run(["/bin/chmod", "-R", "u+rwX", "--", str(folder)], stderr=subprocess.DEVNULL)
        subprocess.run(remove, stderr=subprocess.DEVNULL)  # what is left now, the next worker's sweep tries again
