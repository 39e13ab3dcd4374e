"""The clock of the schedules: one thread in every server and worker that looks whether a tick has come."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from mogplex.domain.errors import MogplexError

LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Ticking(Protocol):
    """What the clock drives. Both may be called by several processes at once."""

    def fire_due(self) -> int: ...

    def count_endings(self) -> None: ...


class Scheduler:
    def __init__(self, ticking: Ticking, look_seconds: float = LOOK_SECONDS) -> None:
        self._ticking = ticking
        self._look_seconds = look_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="mogplex-scheduler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _keep(self) -> None:
        while not self._stopping.wait(self._look_seconds):
            try:
                self._ticking.fire_due()
                self._ticking.count_endings()
            except MogplexError as fault:
                log.warning("schedules: %s", fault.message)
            except Exception:
                # The thread must outlive any fault: a tick that can't be dealt with now is still due in a second.
                log.exception("schedules: a tick could not be dealt with")
