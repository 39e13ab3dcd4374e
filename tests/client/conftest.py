"""Both clients, for every test of this folder, and the servers that they are tried on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mogplex.client import AsyncClient, Client
from tests.api.conftest import database, door, open_door
from tests.cli.conftest import api
from tests.client.plain import Plain
from tests.databases import sqlite_template

__all__ = ["api", "database", "door", "open_door", "sqlite_template"]

MakeClient = Callable[..., Any]


@pytest.fixture(params=["blocking", "async"])
def make_client(request: pytest.FixtureRequest) -> Iterator[MakeClient]:
    """`make_client(url, key, …)`: a `Client`, or an `AsyncClient` that is spoken to as if it were one."""
    if request.param == "blocking":
        yield Client
        return
    with asyncio.Runner() as runner:
        made: list[AsyncClient] = []

        async def make(*arguments: Any, **named: Any) -> AsyncClient:
            return AsyncClient(*arguments, **named)

        def make_plain(*arguments: Any, **named: Any) -> Plain:
            made.append(runner.run(make(*arguments, **named)))
            return Plain(made[-1], runner)

        yield make_plain
        for client in made:
            runner.run(client.close())
