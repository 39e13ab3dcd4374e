"""A server for a storm: its models are scripted, and its work folder is a small disk of its own, which can be full."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.acceptance.house import House
from tests.contracts.model_house import PROVIDER_KEY, Providers

DISK_MIB = 1024  # of which 512 have to stay free for anything to be started
_HERE = os.readlink("/proc/self/ns/mnt")


class SoakHouse(House):
    """`disk`: whether the work folder could be made a disk of its own, which takes root."""

    def __init__(self, providers: Providers, **settings: str) -> None:
        super().__init__(CONTRACT_PROVIDER_KEY=PROVIDER_KEY, **settings)
        self.home.mkdir()
        (self.home / "mogplex.toml").write_text(providers.configure().replace("retries = 0", "retries = 2"))
        self.work = self.root / "work"
        self.work.mkdir(mode=0o755)
        # Processes of our sandboxes are told by this name in what is mounted there, as by a folder's.
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", f"{self.work}/", str(self.work)]
        self.disk = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0

    def fill_disk(self, left_bytes: int) -> None:
        """Leave no more than `left_bytes`, until `empty_disk`."""
        facts = os.statvfs(self.work)
        size = facts.f_bavail * facts.f_frsize - left_bytes
        if size > 0:
            with (self.work / "ballast").open("wb") as file, suppress(OSError):  # somebody was quicker: it is full
                os.posix_fallocate(file.fileno(), 0, size)

    def empty_disk(self) -> None:
        (self.work / "ballast").unlink(missing_ok=True)

    def left_processes(self) -> list[str]:
        """Without those that merely see the disk, because they live outside as we do."""
        return [line for line in super().left_processes() if _lives_inside(line.split()[0])]

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        if self.disk:
            subprocess.run(["umount", "--lazy", str(self.work)], check=False)
        super().close()


def _lives_inside(pid: str) -> bool:
    try:
        return os.readlink(Path("/proc", pid, "ns", "mnt")) != _HERE
    except OSError:
        return False  # it ended while we looked
