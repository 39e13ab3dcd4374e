"""The Mogplex API over HTTP, for Python programs and for the command line.

    import mogplex

    client = mogplex.Client()  # MOGPLEX_URL and MOGPLEX_API_KEY, or what `mogplex login` has kept
    run = client.run("acme/web", "Fix the failing test", create_branch=True)
    for event in run.events():
        print(event.seq, event.type, event.message)
    print(run.status, run.outcome)

`AsyncClient` has the same methods as coroutines. Beside `run` and `runs` there is one method for each call of the API
(`start_run`, `list_repos`, …), whose answers are plain JSON objects without the envelope. Errors are `ApiError` (the
server said no), `ConnectionFailed` (nobody answered, or not a Mogplex server), `WaitTimeout` (the caller's own patience
ended), `UnusableValue` (an argument that can't be sent) and `RunFailed` (by `require_success`); all are `ClientError`.
"""

from __future__ import annotations

import importlib

from mogplex.client.blocking import Client, Run
from mogplex.client.errors import ApiError, ClientError, ConnectionFailed, RunFailed, UnusableValue, WaitTimeout
from mogplex.client.run_facts import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mogplex.client.awaiting import AsyncClient, AsyncRun

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncRun",
    "Client",
    "ClientError",
    "ConnectionFailed",
    "Event",
    "Run",
    "RunFailed",
    "UnusableValue",
    "WaitTimeout",
]


def __getattr__(name: str) -> object:
    """The asynchronous half brings asyncio and aiohttp, which no command needs: it comes when it is asked for."""
    if name in ("AsyncClient", "AsyncRun"):
        return getattr(importlib.import_module("mogplex.client.awaiting"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
