"""A machine of its own for a worker, as far as the network goes: a namespace on one cable, which can be pulled.

Takes root and `ip` (iproute2). Without them tests.acceptance.link stands in: a wire of TCP that stops carrying bytes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path


class Cable:
    """`near` is the address of this end, for servers to listen on; `prefix` starts a command at the far end."""

    def __init__(self) -> None:
        """Raises CalledProcessError when the system has no namespaces for us."""
        mark = secrets.token_hex(3)
        self._name, self._here, self._there = f"mogplex-{mark}", f"mgx{mark}h", f"mgx{mark}t"
        # Of the range that is set aside for measuring networks, so that it hides nobody's real address.
        third, fourth = secrets.randbelow(256), 4 * secrets.randbelow(64)
        self.near, far = f"198.18.{third}.{fourth + 1}", f"198.18.{third}.{fourth + 2}"
        self.prefix = ("nsenter", f"--net=/run/netns/{self._name}", "--")
        try:
            _ip("netns", "add", self._name)
            _ip("link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self._name)
            _ip("addr", "add", f"{self.near}/30", "dev", self._here)
            _ip("-n", self._name, "addr", "add", f"{far}/30", "dev", self._there)
            _ip("-n", self._name, "link", "set", "lo", "up")
            _ip("-n", self._name, "link", "set", self._there, "up")
            self.mend()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def lay() -> Cable | None:
        """None where that can't be had."""
        if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nsenter"))):
            return None
        try:
            return Cable()
        except subprocess.CalledProcessError:
            return None  # a container without the right to make namespaces

    def cut(self) -> None:
        """Packets get lost from now on, and nobody is told."""
        _ip("link", "set", self._here, "down")

    def mend(self) -> None:
        _ip("link", "set", self._here, "up")

    def close(self) -> None:
        """The far end must be empty: its interface goes with the namespace, and this one with that."""
        if Path("/run/netns", self._name).exists():
            with suppress(subprocess.CalledProcessError):
                _ip("link", "delete", self._here)
            _ip("netns", "delete", self._name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=30)
