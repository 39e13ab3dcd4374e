"""A list of runs that is longer than a page."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    Json = dict[str, Any]

_PAGE_RUNS = 100


class RunPages:
    """Runs, newest first, fetched as they are asked for: `next_item()` until it gives None."""

    def __init__(
        self, list_runs: Callable[..., Awaitable[Json]], limit: int | None, filters: Mapping[str, Any]
    ) -> None:
        self._list_runs = list_runs
        self._left = limit
        self._filters = filters
        self._ready: deque[Json] = deque()
        self._cursor: str | None = None
        self._over = limit is not None and limit <= 0

    async def next_item(self) -> Json | None:
        """The next run; None when there is no more, or as many came as were asked for."""
        while not self._ready and not self._over:
            size = _PAGE_RUNS if self._left is None else min(self._left, _PAGE_RUNS)
            page = await self._list_runs(limit=size, cursor=self._cursor, **self._filters)
            self._cursor = page.get("nextCursor")
            self._ready.extend(page.get("runs") or [])
            self._over = not self._cursor
        if not self._ready:
            return None
        if self._left is not None:
            self._left -= 1
            self._over = self._over or self._left <= 0
        return self._ready.popleft()

    async def close(self) -> None:
        """Nothing is open between pages."""
