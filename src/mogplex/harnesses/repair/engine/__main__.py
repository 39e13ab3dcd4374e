"""Runs the engine: `python -I mogplex-repair-folder --directory /work --seconds 120`. The story is in `Repair.run`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import types

from .protocol import Stream
from .repair import Options, Repair, Stopped


def parse_arguments(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="repair", description="Fix a failing test of a Python repo without a model.")
    parser.add_argument("--directory", default=".", help="the repo, or the folder in it to work in")
    parser.add_argument("--seconds", type=float, default=120.0, help="time for everything, the final check included")
    parser.add_argument("--candidates", type=int, default=200_000, help="how many patches to try at most")
    parser.add_argument("--workers", type=int, default=2, help="patches tried at the same time")
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEST", help="a test id, name or file to fix; repeatable"
    )
    parser.add_argument("--pytest-argument", action="append", default=[], help="handed on to pytest; repeatable")
    given = parser.parse_args(arguments)
    return Options(
        os.path.realpath(given.directory), given.seconds, given.candidates, max(1, given.workers), tuple(given.only),
        tuple(given.pytest_argument),
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 when the stream ended whole (its last record says how it went), 2 for wrong arguments."""
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    stream = Stream()
    repair = Repair(options, stream)

    def stop(number: int, frame: types.FrameType | None) -> None:
        repair.stop_requested = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        repair.run()
    except Stopped:
        stream.end(
            False, "Stopped before a fix was found; the tree is unchanged.", "stopped by a signal", repair.result()
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
