"""SIGINT and SIGTERM as KeyboardInterrupt, held back where something would be torn in half."""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Held:
    """`with Held():` what comes meanwhile is raised at the end. A mask would do, but commands would inherit it."""

    _depth = 0
    _came = False

    def __enter__(self) -> None:
        Held._depth += 1

    def __exit__(self, *exc_info: object) -> None:
        Held._depth -= 1
        if Held._came and not Held._depth:
            Held._came = False
            raise KeyboardInterrupt


def listen() -> None:
    """From now on."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


def ignore() -> None:
    """For what is left to do at the end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    if Held._depth:
        Held._came = True
    else:
        raise KeyboardInterrupt
