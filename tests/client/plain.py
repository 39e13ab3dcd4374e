"""The asynchronous client spoken to like the blocking one, so that a test is written once for both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

from mogplex.client import awaiting


class Plain:
    """An object of `AsyncClient`'s; each coroutine of it is run to its end, each stream read item by item."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self._target = target
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        return self._plain(getattr(self._target, name))

    def _plain(self, value: Any) -> Any:
        if inspect.iscoroutine(value):
            return self._plain(self._runner.run(value))
        if isinstance(value, AsyncIterator):
            return self._read(value)
        if isinstance(value, awaiting.AsyncRun | awaiting.AsyncRuns):
            return Plain(value, self._runner)
        if inspect.ismethod(value):
            return lambda *arguments, **named: self._plain(value(*arguments, **named))
        return value

    def _read(self, stream: AsyncIterator[Any]) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self._plain(self._runner.run(anext(stream)))  # type: ignore[arg-type]
                except StopAsyncIteration:
                    return
        finally:
            self._runner.run(stream.aclose())  # type: ignore[attr-defined]
