"""How long to wait and how often to try again when a connection or a server has a bad moment."""

from __future__ import annotations

import random
import time

from mogplex.client.errors import ApiError, ClientError, ConnectionFailed, WaitTimeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Sleep = Callable[[float], Awaitable[None]]

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_PASSING_STATUSES = frozenset({500, 502, 503, 504})


class Patience:
    """Decides after each failure: wait and go on, or give the failure to the caller.

    The first contact must work: a wrong URL should fail at once, not after minutes. Only "too many requests" is waited
    for even then. Later a server may be away (a restart, a cut) for up to `lenient_seconds` in a row.
    """

    def __init__(self, sleep: Sleep, timeout_seconds: float | None, lenient_seconds: float = 120.0) -> None:
        self._sleep = sleep
        self._timeout_seconds = timeout_seconds
        self._deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._lenient_seconds = lenient_seconds
        self._connected = False
        self._failures = 0
        self._failing_since: float | None = None

    def remaining(self, most_seconds: float) -> float:
        """Seconds until the deadline, at most `most_seconds`. Raises WaitTimeout when none are left."""
        if self._deadline is None:
            return most_seconds
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise WaitTimeout(f"stopped waiting after {self._timeout_seconds:g} s")
        return min(left, most_seconds)

    def succeed(self) -> None:
        """Something useful came: forget earlier failures."""
        self._connected = True
        self._failures = 0
        self._failing_since = None

    async def bear(self, error: ClientError) -> None:
        """Sleep until the next try is due. Raises `error` when trying again makes no sense."""
        now = time.monotonic()
        limited = isinstance(error, ApiError) and error.http_status == 429
        if not limited:
            if not (self._connected and _may_pass(error)):
                raise error
            self._failing_since = self._failing_since or now
            if now - self._failing_since > self._lenient_seconds:
                raise error
        self._failures += 1
        await self.sleep(_asked_pause(error) or self._next_pause())

    async def sleep(self, seconds: float) -> None:
        """Sleep, but never past the deadline."""
        await self._sleep(self.remaining(seconds))

    def _next_pause(self) -> float:
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(self._failures - 1, 10))
        return random.uniform(longest / 2, longest)  # many tails must not come back in one beat


def choose_pause(error: ApiError, left_seconds: float, *, safe: bool) -> float | None:
    """Seconds before the same request is sent again, or None: the refusal is the caller's to see.

    Only a server that said when to come back is asked again, and only if that is soon enough. After a 503 nobody knows
    for sure what was done, so then the request must be `safe` to repeat.
    """
    asked = error.retry_after_seconds
    if asked is None or not (error.http_status == 429 or (error.http_status == 503 and safe)):
        return None
    pause = max(asked, _FIRST_PAUSE_SECONDS) * random.uniform(1.0, 1.1)  # those refused together come back apart
    return pause if pause <= left_seconds else None


def _may_pass(error: ClientError) -> bool:
    if isinstance(error, ApiError):
        return error.http_status in _PASSING_STATUSES
    return isinstance(error, ConnectionFailed)


def _asked_pause(error: ClientError) -> float | None:
    return error.retry_after_seconds if isinstance(error, ApiError) else None
