"""`mogplex worker` as on a machine of its own: to be killed, frozen, cut off and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.house import House


@dataclass
class WorkerHost:
    process: subprocess.Popen[bytes]
    worker_id: str
    log: Path

    @staticmethod
    def start(
        house: House, name: str, database_url: str, slots: int = 1, *, prefix: Sequence[str] = (), **settings: str
    ) -> WorkerHost:
        """A worker for the servers of `house`, with a home and a log of its own. Returns once it takes runs.

        `prefix`: a command that becomes the one behind it, as `nsenter` does.
        """
        root = house.root / name
        root.mkdir(exist_ok=True)
        own = {"MOGPLEX_HOME": str(root / "home"), "MOGPLEX_WORK_DIR": str(root / "work"), **settings}
        with (root / "log").open("ab") as log:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "mogplex", "worker", "--slots", str(slots)],
                env={**house.environment, **own, "MOGPLEX_DATABASE_URL": database_url},
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        if "works as" not in line:
            raise AssertionError(f"the worker {name} did not start:\n{(root / 'log').read_text()[-4000:]}")
        return WorkerHost(process, line.split()[-1], root / "log")

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> int:
        """In an orderly way; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)

    def close(self) -> None:
        if self.process.poll() is None:
            self.thaw()
            self.process.kill()
        self.process.wait()
