"""Ends what a worker leaves behind when it is killed, where the kernel does not do that by itself.

A shell waits for the end of its input, which only the worker holds open, and then runs one command. It costs less than
a megabyte while it waits.
"""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

from mogplex.domain.errors import SandboxError
from mogplex.sandboxes import census

# In the background, so that it is nobody's child whom we would have to wait for.
_WAIT = 'exec 3<&0; (read -r line <&3; exec 3<&-; exec "$@" > /dev/null 2>&1) &'
# A client that the worker left may still be making a container, so it looks until there was none twice.
_REMOVE_CONTAINERS = """
label=$1; rooms=$2; shift 2
idle=0
while [ $idle -lt 2 ]; do
  left=$("$@" ps --all --quiet --filter "label=$label")
  if [ -n "$left" ]; then idle=0; "$@" rm --force $left; else idle=$((idle + 1)); fi
  sleep 0.5
done
/bin/rm -rf --one-file-system -- "$rooms" && exit
/bin/chmod -R u+rwX -- "$rooms"
/bin/rm -rf --one-file-system -- "$rooms"
"""
# The first process of a sandbox can be born without its bwrap for a moment only: some looks are enough.
_KILL_ORPHANS = """
import sys, time
for _ in range(10):
    kill_orphans(int(sys.argv[1]))
    time.sleep(0.1)
"""


class Keeper:
    """One small process beside a worker. Its command runs once the worker, or this object, is gone."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Raises SandboxError when it can't be started."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            subprocess.run(
                ["/bin/sh", "-c", _WAIT, "mogplex-keeper", *command],
                env=dict(environment),
                cwd="/",
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the worker's terminal is not meant for it
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            os.close(writing)
            raise SandboxError(f"Cannot start the keeper of sandboxes: {error}") from error
        finally:
            os.close(reading)
        self._closer = weakref.finalize(self, os.close, writing)

    @classmethod
    def of_containers(cls, engine: Sequence[str], label: str, rooms: Path, environment: Mapping[str, str]) -> Keeper:
        """Removes the containers with this label, then the folder of their rooms. `engine`: the command of podman or
        docker."""
        command = ["/bin/sh", "-c", _REMOVE_CONTAINERS, "mogplex-keeper", label, str(rooms), *engine]
        return cls(command, environment)

    @classmethod
    def of_orphans(cls, uid: int) -> Keeper:
        """Ends first processes that have lost their bwrap while both were being born."""
        source = Path(census.__file__).read_text(encoding="utf-8") + _KILL_ORPHANS
        return cls([sys.executable, "-I", "-S", "-c", source, str(uid)], {})
