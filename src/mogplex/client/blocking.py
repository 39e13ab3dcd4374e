"""`Client`: the calls for programs without an event loop, and the run object that goes with it."""

from __future__ import annotations

import functools
import time

from mogplex.client.calls import DEFAULT_RETRY_SECONDS, DEFAULT_TIMEOUT_SECONDS, SILENCE_SECONDS, ApiCalls
from mogplex.client.run_facts import Event, RunFacts, write_body
from mogplex.client.settings import find_address
from mogplex.client.transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, Unpack

    from mogplex.client.fields import RetryOptions, RunFilters, RunOptions
    from mogplex.client.transport import Stream
    from mogplex.client.wire import Address, Response

    P = ParamSpec("P")
    T = TypeVar("T")
    Json = dict[str, Any]

    class Source(Protocol):
        async def next_item(self) -> Json | None: ...

        async def close(self) -> None: ...


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never has to wait for an event loop: there is none."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    raise AssertionError("a call awaited something else than its transport")


def blocking(method: Callable[Concatenate[ApiCalls, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[Client, P], T]:
    """A call as a plain method of `Client`."""

    @functools.wraps(method)
    def call(self: Client, /, *arguments: P.args, **named: P.kwargs) -> T:
        return finish(method(self._calls, *arguments, **named))

    return call


def drain(source: Source) -> Iterator[Json]:
    """Each item of a source; it is closed when the reader stops, wherever that is."""
    try:
        while (item := finish(source.next_item())) is not None:
            yield item
    finally:
        finish(source.close())


class BlockingStream:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def read_line(self, timeout_seconds: float) -> bytes:
        return self._stream.read_line(timeout_seconds)

    async def close(self) -> None:
        self._stream.close()


class BlockingCarrier:
    """`Transport` in the form that the calls await. Nothing in it suspends: it blocks."""

    def __init__(self, address: Address, timeout_seconds: float) -> None:
        self._transport = Transport(address, timeout_seconds)

    async def request(self, method: str, path: str, **parts: Any) -> Response:
        return self._transport.request(method, path, **parts)

    async def open_stream(self, path: str, headers: Mapping[str, str], timeout_seconds: float) -> BlockingStream:
        return BlockingStream(self._transport.open_stream(path, headers, timeout_seconds))

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - to block is what this carrier is for


class Client:
    """The API of one server with one key. Safe to share between threads: it keeps no open connection.

    For what each call takes, gives and raises see `ApiCalls`.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        silence_seconds: tuple[float, float] = SILENCE_SECONDS,
        retry_seconds: float = DEFAULT_RETRY_SECONDS,
    ) -> None:
        """What is left out comes from MOGPLEX_URL and MOGPLEX_API_KEY, else from `auth.json`; "" is no key.

        `timeout_seconds` bounds each read of an answer. `silence_seconds`: how long a followed stream may be silent
        before something on the way is taken to hold it back; at its start, and between heartbeats. `retry_seconds`:
        how long in all a call waits where the server said when to come back; 0 never.
        """
        address = find_address(url, api_key)
        self.url = address.url
        self._calls = ApiCalls(BlockingCarrier(address, timeout_seconds), retry_seconds, silence_seconds)
        self.runs = Runs(self)

    def run(self, repo: str, prompt: str, *, idempotency_key: str | None = None, **options: Unpack[RunOptions]) -> Run:
        """Start a run: have an agent do what `prompt` says in `repo` (an id, or owner/name). See `start_run`."""
        body = write_body({"repo_id": repo, "prompt": prompt, **options})
        return Run(self, self.start_run(body, idempotency_key=idempotency_key))

    def stream_events(self, run_id: str, after: int = 0, timeout_seconds: float | None = None) -> Iterator[Json]:
        """Every event after `after` once and in order, live, until `finished` (included).

        Resumes by itself after a cut, waits as told when the server is busy, and asks for pages instead when a proxy
        holds the stream back. Raises WaitTimeout when `timeout_seconds` are over; the run goes on.
        """
        return drain(self._calls.open_tail(run_id, after, timeout_seconds))

    # Every call of ApiCalls, under its own name; tests/client/ holds that none is missing.
    fetch = blocking(ApiCalls.fetch)
    me = blocking(ApiCalls.me)
    list_harnesses = blocking(ApiCalls.list_harnesses)
    list_models = blocking(ApiCalls.list_models)
    list_repos = blocking(ApiCalls.list_repos)
    add_repo = blocking(ApiCalls.add_repo)
    get_repo = blocking(ApiCalls.get_repo)
    update_repo = blocking(ApiCalls.update_repo)
    set_secret = blocking(ApiCalls.set_secret)
    remove_secret = blocking(ApiCalls.remove_secret)
    remove_repo = blocking(ApiCalls.remove_repo)
    start_run = blocking(ApiCalls.start_run)
    list_runs = blocking(ApiCalls.list_runs)
    get_run = blocking(ApiCalls.get_run)
    wait_for_run = blocking(ApiCalls.wait_for_run)
    list_events = blocking(ApiCalls.list_events)
    cancel_run = blocking(ApiCalls.cancel_run)
    retry_run = blocking(ApiCalls.retry_run)
    get_patch = blocking(ApiCalls.get_patch)
    list_sandboxes = blocking(ApiCalls.list_sandboxes)
    get_sandbox_logs = blocking(ApiCalls.get_sandbox_logs)
    stop_sandbox = blocking(ApiCalls.stop_sandbox)
    get_stats = blocking(ApiCalls.get_stats)
    get_pressure = blocking(ApiCalls.get_pressure)
    list_tools = blocking(ApiCalls.list_tools)
    list_calls = blocking(ApiCalls.list_calls)
    list_checks = blocking(ApiCalls.list_checks)
    create_key = blocking(ApiCalls.create_key)
    list_keys = blocking(ApiCalls.list_keys)
    list_audit = blocking(ApiCalls.list_audit)
    revoke_key = blocking(ApiCalls.revoke_key)
    create_schedule = blocking(ApiCalls.create_schedule)
    list_schedules = blocking(ApiCalls.list_schedules)
    get_schedule = blocking(ApiCalls.get_schedule)
    update_schedule = blocking(ApiCalls.update_schedule)
    remove_schedule = blocking(ApiCalls.remove_schedule)
    pause_schedule = blocking(ApiCalls.pause_schedule)
    resume_schedule = blocking(ApiCalls.resume_schedule)
    trigger_schedule = blocking(ApiCalls.trigger_schedule)
    list_ticks = blocking(ApiCalls.list_ticks)
    create_webhook = blocking(ApiCalls.create_webhook)
    list_webhooks = blocking(ApiCalls.list_webhooks)
    update_webhook = blocking(ApiCalls.update_webhook)
    remove_webhook = blocking(ApiCalls.remove_webhook)
    rotate_webhook = blocking(ApiCalls.rotate_webhook)
    test_webhook = blocking(ApiCalls.test_webhook)
    list_webhook_deliveries = blocking(ApiCalls.list_webhook_deliveries)
    list_hook_deliveries = blocking(ApiCalls.list_hook_deliveries)
    redeliver_webhook = blocking(ApiCalls.redeliver_webhook)


class Runs:
    """`mogplex runs get` and `mogplex runs list`, as run objects."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, run_id: str) -> Run:
        return Run(self._client, self._client.get_run(run_id))

    def list(self, limit: int | None = None, **filters: Unpack[RunFilters]) -> Iterator[Run]:
        """Newest first; pages are fetched as they are needed."""
        for data in drain(self._client._calls.open_pages(limit, filters)):
            yield Run(self._client, data)


class Run(RunFacts):
    """A run, and what can be done with it. Methods bring its facts up to date and may be called again."""

    def __init__(self, client: Client, data: Json) -> None:
        super().__init__(data)
        self._client = client

    def refresh(self) -> Run:
        self._take(self._client.get_run(self.id))
        return self

    def wait(self, timeout_seconds: float | None = None) -> Run:
        """This run, once it is terminal. Raises WaitTimeout; the run goes on."""
        self._take(self._client.wait_for_run(self.id, timeout_seconds))
        return self

    def events(self, after: int = 0, timeout_seconds: float | None = None) -> Iterator[Event]:
        """Its events, live, until `finished`; then this object is up to date. Raises WaitTimeout."""
        for data in self._client.stream_events(self.id, after, timeout_seconds):
            yield Event(data)
        self.refresh()

    def cancel(self) -> Run:
        """Ask for its end. Safe to repeat; what is done so far is kept."""
        self._take(self._client.cancel_run(self.id)["run"])
        return self

    def retry(self, *, idempotency_key: str | None = None, **options: Unpack[RetryOptions]) -> Run:
        """A new run of the same work on the same branch; from failed and cancelled runs only."""
        body = write_body({**options})
        return Run(self._client, self._client.retry_run(self.id, body, idempotency_key=idempotency_key))

    def patch(self) -> bytes:
        """What it has changed, for `git apply` on its base commit."""
        return self._client.get_patch(self.id)
