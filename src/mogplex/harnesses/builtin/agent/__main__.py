"""Runs the agent: `python3 -I -S -B folder`, with the task as one JSON object on stdin. The story is in `loop.Loop`."""

from __future__ import annotations

import json
import os
import signal
import sys
import types

from .loop import Loop
from .records import Records
from .task import Task


def main() -> int:
    """Returns 0 once the last record is written (it says how it went), 2 when stdin holds no task."""
    try:
        task = Task.read(json.load(sys.stdin.buffer))
        os.chdir(task.directory)
    except (ValueError, KeyError, TypeError, OSError) as error:
        print(f"builtin: no task that can be done on stdin: {error!r}", file=sys.stderr)  # noqa: T201 - a program
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    records = Records()
    loop = Loop(task, records)
    try:
        loop.run()
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the last record is all that is left to do
        loop.stop()
        records.end(False, loop.last_text, "Interrupted before the model ended its turn.")
        return 130
    return 0


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
