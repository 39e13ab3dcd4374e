"""Ends the containers of a worker that dies: they are no children of ours, so nothing else would."""

from __future__ import annotations

import os
import subprocess
import weakref

from mogplex.domain.errors import SandboxError
from mogplex.sandboxes.container_arguments import LABEL
from mogplex.sandboxes.container_engine import ContainerEngine, environment

# Waits for the end of its input, which is the worker's. A client that the worker left may still be making a container,
# so it looks until there was none twice.
_SCRIPT = """
cat > /dev/null
label=$1; shift
idle=0
while [ $idle -lt 2 ]; do
  left=$("$@" ps --all --quiet --filter "label=$label")
  if [ -n "$left" ]; then idle=0; "$@" rm --force $left; else idle=$((idle + 1)); fi
  sleep 0.5
done > /dev/null 2>&1
"""


class ContainerKeeper:
    """One small process beside a worker. It ends soon after the worker, or after this object."""

    def __init__(self, engine: ContainerEngine, worker: str) -> None:
        """Raises SandboxError when it can't be started."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            popen = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "mogplex-keeper", f"{LABEL}={worker}", *engine.command()],
                env=environment(),
                cwd="/",
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the worker's terminal is not meant for it
            )
        except (OSError, subprocess.SubprocessError) as error:
            os.close(writing)
            raise SandboxError(f"Cannot start the keeper of containers: {error}") from error
        finally:
            os.close(reading)
        self.pid = popen.pid
        self._closer = weakref.finalize(self, _let_go, writing, popen)


def _let_go(writing: int, popen: subprocess.Popen[bytes]) -> None:
    os.close(writing)
    popen.returncode = 0  # it ends by itself, a little later: nobody needs to wait for that
