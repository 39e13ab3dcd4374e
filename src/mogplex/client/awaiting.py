"""`AsyncClient`: the calls for programs with an event loop, and the run object that goes with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol, Self, Unpack

from mogplex.client.aiohttp_transport import AiohttpTransport
from mogplex.client.calls import DEFAULT_RETRY_SECONDS, DEFAULT_TIMEOUT_SECONDS, SILENCE_SECONDS, ApiCalls
from mogplex.client.run_facts import Event, RunFacts, write_body
from mogplex.client.settings import find_address

if TYPE_CHECKING:
    from mogplex.client.fields import RetryOptions, RunFilters, RunOptions

Json = dict[str, Any]


class Source(Protocol):
    async def next_item(self) -> Json | None: ...

    async def close(self) -> None: ...


async def drain(source: Source) -> AsyncIterator[Json]:
    """Each item of a source; it is closed when the reader stops."""
    try:
        while (item := await source.next_item()) is not None:
            yield item
    finally:
        await source.close()


class AsyncClient(ApiCalls):
    """The API of one server with one key, in one event loop. Close it, or use it in `async with`."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        silence_seconds: tuple[float, float] = SILENCE_SECONDS,
        retry_seconds: float = DEFAULT_RETRY_SECONDS,
    ) -> None:
        """As for `Client`."""
        address = find_address(url, api_key)
        self.url = address.url
        self._transport = AiohttpTransport(address, timeout_seconds)
        super().__init__(self._transport, retry_seconds, silence_seconds)
        self.runs = AsyncRuns(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.close()

    async def run(
        self, repo: str, prompt: str, *, idempotency_key: str | None = None, **options: Unpack[RunOptions]
    ) -> AsyncRun:
        """As `Client.run`."""
        body = write_body({"repo_id": repo, "prompt": prompt, **options})
        return AsyncRun(self, await self.start_run(body, idempotency_key=idempotency_key))

    def stream_events(self, run_id: str, after: int = 0, timeout_seconds: float | None = None) -> AsyncIterator[Json]:
        """As `Client.stream_events`."""
        return drain(self.open_tail(run_id, after, timeout_seconds))


class AsyncRuns:
    """`mogplex runs get` and `mogplex runs list`, as run objects."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def get(self, run_id: str) -> AsyncRun:
        return AsyncRun(self._client, await self._client.get_run(run_id))

    async def list(self, limit: int | None = None, **filters: Unpack[RunFilters]) -> AsyncIterator[AsyncRun]:
        """Newest first; pages are fetched as they are needed."""
        async for data in drain(self._client.open_pages(limit, filters)):
            yield AsyncRun(self._client, data)


class AsyncRun(RunFacts):
    """As `Run`."""

    def __init__(self, client: AsyncClient, data: Json) -> None:
        super().__init__(data)
        self._client = client

    async def refresh(self) -> AsyncRun:
        self._take(await self._client.get_run(self.id))
        return self

    async def wait(self, timeout_seconds: float | None = None) -> AsyncRun:
        """This run, once it is terminal. Raises WaitTimeout; the run goes on."""
        self._take(await self._client.wait_for_run(self.id, timeout_seconds))
        return self

    async def events(self, after: int = 0, timeout_seconds: float | None = None) -> AsyncIterator[Event]:
        """Its events, live, until `finished`; then this object is up to date. Raises WaitTimeout."""
        async for data in self._client.stream_events(self.id, after, timeout_seconds):
            yield Event(data)
        await self.refresh()

    async def cancel(self) -> AsyncRun:
        """Ask for its end. Safe to repeat; what is done so far is kept."""
        self._take((await self._client.cancel_run(self.id))["run"])
        return self

    async def retry(self, *, idempotency_key: str | None = None, **options: Unpack[RetryOptions]) -> AsyncRun:
        """A new run of the same work on the same branch; from failed and cancelled runs only."""
        body = write_body({**options})
        return AsyncRun(self._client, await self._client.retry_run(self.id, body, idempotency_key=idempotency_key))

    async def patch(self) -> bytes:
        """What it has changed, for `git apply` on its base commit."""
        return await self._client.get_patch(self.id)
