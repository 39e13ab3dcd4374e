"""Calls that outlive an outage of the database: a run's facts wait for it rather than get lost.

There is no end to the waiting on purpose. Giving up would leave a run without its final record; a worker that is
stopped meanwhile leaves the run to the reaper.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential_jitter

from mogplex.domain.errors import ServiceUnavailable

P = ParamSpec("P")
T = TypeVar("T")


async def patiently(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`call` in a thread, again and again while the database is away."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(ServiceUnavailable),
        wait=wait_exponential_jitter(initial=0.1, max=5.0),
    )
    return await retrying(asyncio.to_thread, call, *args, **kwargs)
