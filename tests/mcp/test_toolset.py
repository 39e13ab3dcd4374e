"""The tools, called by the library's own client: over HTTP and through `mogplex mcp`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest

from mogplex.domain.run import Changes, Outcome
from mogplex.domain.sandbox import SandboxFacts
from tests.api.conftest import OpenDoor
from tests.api.door import BASE, Door
from tests.house import ending, said

mcp = pytest.importorskip("mcp", reason="the MCP library is not installed: pip install '.[mcp]' in Mogplex's checkout")
from mcp.client import Client  # noqa: E402
from mcp.client.stdio import StdioServerParameters  # noqa: E402
from mcp.client.streamable_http import streamable_http_client  # noqa: E402
from mcp.shared._httpx_utils import create_mcp_http_client  # noqa: E402

READ_ONLY = {"list_repos", "list_runs", "get_run", "wait_for_run", "list_events", "get_patch", "get_pressure"}
DIFF = b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n"
Talk = Callable[[Client], Coroutine[Any, Any, None]]


@asynccontextmanager
async def connect(door: Door, key: str) -> AsyncIterator[Client]:
    http = create_mcp_http_client({"Authorization": f"Bearer {key}"})
    async with http, Client(streamable_http_client(f"http://{door.host}:{door.port}/mcp", http_client=http)) as client:
        yield client


def over_http(door: Door, talk: Talk, key: str | None = None) -> None:
    async def run() -> None:
        async with connect(door, key or door.key) as client:
            await talk(client)

    anyio.run(run)


def on_stdio(door: Door, talk: Talk, key: str | None = None) -> None:
    environment = {**os.environ, "MOGPLEX_URL": f"http://{door.host}:{door.port}", "MOGPLEX_API_KEY": key or door.key}
    server = StdioServerParameters(command=sys.executable, args=["-m", "mogplex", "mcp"], env=environment)

    async def run() -> None:
        async with Client(server) as it:
            await talk(it)

    anyio.run(run)


@pytest.fixture(params=[over_http, on_stdio], ids=["http", "stdio"])
def way(request: pytest.FixtureRequest) -> Callable[..., None]:
    chosen: Callable[..., None] = request.param
    return chosen


async def use(client: Client, tool: str, **arguments: Any) -> Any:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content or json.loads(answer.content[0].text)


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return str(answer.content[0].text)


def test_an_agent_starts_follows_reads_and_retries_a_run(door: Door, way: Callable[..., None]) -> None:
    repo = door.house.add_repo()

    async def talk(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {name for name, tool in tools.items() if tool.annotations.read_only_hint} == READ_ONLY
        assert set(tools) == READ_ONLY | {"start_run", "cancel_run", "retry_run"}
        assert all(tool.description and tool.input_schema["type"] == "object" for tool in tools.values())
        assert [each["id"] for each in (await use(client, "list_repos"))["repos"]] == [repo.id]
        started = await use(client, "start_run", repo=repo.full_name, prompt="Mend it", idempotency_key="once")
        again = await use(client, "start_run", repo=repo.full_name, prompt="Mend it", idempotency_key="once")
        assert (started["runId"], again["replayed"]) == (again["runId"], True)
        assert started["branch"]["createBranch"] is True
        run_id = started["runId"]
        waiting = await use(client, "wait_for_run", run_id=run_id, timeout_seconds=0.1)
        assert waiting["status"] == "pending"
        assert (await use(client, "get_pressure"))["queue"]["depth"] == 1
        run = await anyio.to_thread.run_sync(lambda: door.house.claim(door.house.runs.get(door.house.admin, run_id)))
        assert await anyio.to_thread.run_sync(lambda: door.house.attempts.record(run, [said("looking")]).result(20))
        assert door.house.attempts.save_patch(run, DIFF)
        changes = Changes(1, 1, 1, "c" * 40, ("a",))
        door.house.attempts.finish(run, ending(Outcome.CHECKS_FAILED, changes=changes), SandboxFacts())
        ended = await use(client, "wait_for_run", run_id=run_id)
        assert (ended["status"], ended["outcome"]) == ("failed", "checks_failed")
        assert "prompt" not in ended and "eventsUrl" not in ended
        events = await use(client, "list_events", run_id=run_id, after=1)
        assert events["events"][-1]["type"] == "finished"
        assert "looking" in [event["message"] for event in events["events"]]
        assert await use(client, "get_patch", run_id=run_id) == {"patch": DIFF.decode(), "whole": True}
        retried = await use(client, "retry_run", run_id=run_id)
        assert retried["retryOf"] == run_id
        assert [each["runId"] for each in (await use(client, "list_runs"))["runs"]] == [retried["runId"], run_id]
        cancelled = await use(client, "cancel_run", run_id=retried["runId"])
        assert cancelled == {"status": "cancelled", "alreadyTerminal": False}
        assert (await use(client, "cancel_run", run_id=retried["runId"]))["alreadyTerminal"] is True

    way(door, talk)


def test_errors_are_answers_that_say_what_to_do(door: Door, way: Callable[..., None]) -> None:
    door.house.add_repo()

    async def talk(client: Client) -> None:
        text = await refused(client, "get_run", run_id="run_nothing")
        assert "NOT_FOUND: There is no run" in text and "list_runs" in text
        assert "prompt" in await refused(client, "start_run", repo="acme/widgets", prompt=" ")
        assert "BAD_REQUEST" in await refused(client, "list_runs", status="done")
        assert "harness" in await refused(client, "start_run", repo="acme/widgets", prompt="x", harness="nobody")

    way(door, talk)


def test_a_read_key_reads_and_never_starts_or_cancels(door: Door, way: Callable[..., None]) -> None:
    repo = door.house.add_repo()
    run = door.house.start(repo).run
    key = door.send("POST", "/keys", {"name": "dashboard", "scopes": ["read"]}).data["key"]["secret"]

    async def talk(client: Client) -> None:
        assert (await use(client, "get_run", run_id=run.id))["status"] == "pending"
        for tool, arguments in (
            ("start_run", {"repo": repo.id, "prompt": "x"}),
            ("cancel_run", {"run_id": run.id}),
            ("retry_run", {"run_id": run.id}),
        ):
            assert "FORBIDDEN" in await refused(client, tool, **arguments)
        assert (await use(client, "get_run", run_id=run.id))["status"] == "pending"

    way(door, talk, key)


def test_many_who_wait_hold_up_nobody(door: Door) -> None:
    run = door.house.start(door.house.add_repo()).run

    async def talk(client: Client) -> None:
        async with anyio.create_task_group() as waiting:
            for _ in range(60):  # more than the server has threads
                waiting.start_soon(partial(use, client, "wait_for_run", run_id=run.id, timeout_seconds=45))
            await anyio.sleep(0.5)
            reply = await anyio.to_thread.run_sync(lambda: door.get("//readyz", key=None))
            assert reply.status == 200
            await anyio.to_thread.run_sync(lambda: door.house.runs.cancel(door.house.admin, run.id))

    over_http(door, talk)


def test_callers_do_not_see_each_other_through_one_door(open_door: OpenDoor) -> None:
    door = open_door()
    repos = [door.house.add_repo(cloneUrl=f"/srv/git/{name}", name=f"acme/{name}") for name in ("one", "two")]
    keys = [
        door.send("POST", "/keys", {"name": repo.full_name, "scopes": ["read"], "repos": [repo.id]}).data["key"][
            "secret"
        ]
        for repo in repos
    ]
    seen: dict[int, set[str]] = {0: set(), 1: set()}

    async def look(number: int) -> None:
        async with connect(door, keys[number]) as client:
            for _ in range(5):
                seen[number] |= {each["full_name"] for each in (await use(client, "list_repos"))["repos"]}

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look, 0)
            tasks.start_soon(look, 1)

    anyio.run(both)
    assert seen == {0: {"acme/one"}, 1: {"acme/two"}}


@pytest.fixture(params=["/mcp", f"{BASE}/mcp"])
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def test_strangers_and_other_methods_are_refused_as_everywhere(door: Door, path: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    door.send("POST", f"/{path}", body, key=None).refused(401, "UNAUTHORIZED")
    door.send("POST", f"/{path}", body, key="mog_wrong").refused(401, "UNAUTHORIZED")
    reply = door.get(f"/{path}")
    reply.refused(405, "BAD_REQUEST")
    assert reply.headers["allow"] == "POST"
    listed = door.send("POST", f"/{path}", body, {"Accept": "application/json, text/event-stream"})
    assert listed.status == 200
    assert "X-RateLimit-Remaining".lower() in listed.headers
