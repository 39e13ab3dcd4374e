"""The clock of what is due by time: a thread in every server and worker that looks once a second, or when nudged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from mogplex.domain.errors import MogplexError

LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Ticking:
    """Calls each of `duties` by turns until it is stopped. Several processes may do the same ones at once.

    A duty that takes long holds up the others of its thread only: give it a clock of its own.
    """

    def __init__(
        self, name: str, duties: Mapping[str, Callable[[], object]], look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._duties = duties
        self._look_seconds = look_seconds
        self._stopping = False
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"mogplex-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def nudge(self) -> None:
        """Look now. Returns at once; thread-safe."""
        self._awake.set()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        self._stopping = True
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=timeout_seconds)

    def _keep(self) -> None:
        while True:
            self._awake.wait(self._look_seconds)
            if self._stopping:
                return
            self._awake.clear()
            for name, duty in self._duties.items():
                try:
                    duty()
                except MogplexError as fault:
                    log.warning("%s: %s", name, fault.message)
                except Exception:
                    # The thread must outlive any fault: what is due now is still due in a second.
                    log.exception("%s: it could not be done", name)
