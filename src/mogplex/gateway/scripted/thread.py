"""The scripted model in a thread of its own, for tests and programs that have no event loop."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Self

from mogplex.gateway.scripted.exchange import Exchange
from mogplex.gateway.scripted.scenario import Scenario
from mogplex.gateway.scripted.server import ScriptedModel

START_SECONDS = 30.0


class ScriptedModelThread:
    """`with ScriptedModelThread(scenario) as model:` then `model.url` and `model.exchanges`."""

    def __init__(
        self, scenario: Scenario, host: str = "127.0.0.1", port: int = 0, log_file: Path | None = None
    ) -> None:
        self._options = (scenario, host, port, log_file)
        self._thread = threading.Thread(target=self._run, name="scripted-model", daemon=True)
        self._started = threading.Event()
        self._model: ScriptedModel | None = None
        self._fault: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.url = ""

    @property
    def exchanges(self) -> list[Exchange]:
        """What was asked so far, oldest first."""
        return list(self._model.exchanges) if self._model is not None else []

    def __enter__(self) -> Self:
        """Raises OSError when the port is taken or the log can't be written."""
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise OSError(f"the scripted model did not start within {START_SECONDS:g} s")
        if self._fault is not None:
            raise self._fault
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        scenario, host, port, log_file = self._options
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with ScriptedModel(scenario, host, port, log_file) as self._model:
                self.url = self._model.url
                self._started.set()
                await self._stop.wait()
        except OSError as fault:
            self._fault = fault
        finally:
            self._started.set()
