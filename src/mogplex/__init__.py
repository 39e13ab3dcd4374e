"""Mogplex runs coding agents without a person at the keyboard."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mogplex.client import (
        ApiError,
        AsyncClient,
        AsyncRun,
        Client,
        ClientError,
        ConnectionFailed,
        Event,
        Run,
        RunFailed,
        UnusableValue,
        WaitTimeout,
    )

__version__ = "0.1.0"
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
    """The Python client, imported when it is first asked for: a room of this package must not bring another along."""
    if name in __all__:
        return getattr(importlib.import_module("mogplex.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
