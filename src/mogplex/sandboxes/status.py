"""What bwrap tells about itself on its status descriptor."""

from __future__ import annotations

import json
import os
import select
import time
from dataclasses import dataclass

from mogplex.sandboxes.handle import wait_readable


@dataclass(frozen=True, slots=True)
class FirstProcess:
    """The first process of the sandbox: its number on the host and the inode number of its PID namespace."""

    pid: int
    namespace: int


class StatusPipe:
    """Reads bwrap's status records until it ends. `exit_code` is known only for a command that really started."""

    def __init__(self) -> None:
        self._fd, self.write_fd = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._fd, False)
        self._rest = b""
        self.exit_code: int | None = None

    def detach(self) -> None:
        """Close our copy of the write end, so that bwrap's end shows."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    async def read(self) -> FirstProcess | None:
        """Wait for the first process; None when bwrap ended without one. A second call waits for bwrap's end."""
        while True:
            try:
                chunk = os.read(self._fd, 4096)
            except BlockingIOError:
                await wait_readable(self._fd)
                continue
            if not chunk:
                return None
            if (first := self._take(chunk)) is not None:
                return first

    def _take(self, chunk: bytes) -> FirstProcess | None:
        first = None
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            record = json.loads(line)
            if "child-pid" in record:
                first = FirstProcess(record["child-pid"], record["pid-namespace"])
            if "exit-code" in record:
                self.exit_code = record["exit-code"]
        return first

    def read_now(self, timeout_seconds: float) -> FirstProcess | None:
        """As the first `read`, for a loop that is shutting down: blocks, at most so long."""
        deadline = time.monotonic() + timeout_seconds
        while (rest := deadline - time.monotonic()) > 0 and select.select([self._fd], [], [], rest)[0]:
            chunk = os.read(self._fd, 4096)
            if not chunk:
                return None
            if (first := self._take(chunk)) is not None:
                return first
        return None

    def close(self) -> None:
        self.detach()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
