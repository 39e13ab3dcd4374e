"""Runs the agent: `python3 -I -S -B folder`, with the task as one JSON object on stdin. The story is in `loop.Loop`."""

from __future__ import annotations

import json
import os
import sys

from . import interruption
from .loop import Loop
from .records import Records
from .task import Task


def main() -> int:
    """Returns 0 once the last record is written (it says how it went), 2 when stdin holds no task."""
    try:
        task = Task(**json.load(sys.stdin.buffer))
        os.chdir(task.directory)
    except (ValueError, KeyError, TypeError, OSError) as error:
        print(f"builtin: no task that can be done on stdin: {error!r}", file=sys.stderr)  # noqa: T201 - a program
        return 2
    records = Records()
    loop = Loop(task, records)
    try:
        interruption.listen()
        loop.run()
    except KeyboardInterrupt:
        interruption.ignore()
        loop.stop()
        records.end(False, loop.last_text, "Interrupted before the model ended its turn.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
