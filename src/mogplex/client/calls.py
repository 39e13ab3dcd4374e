"""Every call of the API, one method each, with the names of the service: the shared half of both clients."""

from __future__ import annotations

from mogplex.client.patience import Patience
from mogplex.client.run_pages import RunPages
from mogplex.client.schedules import ScheduleCalls
from mogplex.client.sender import inner, segment
from mogplex.client.tail import FIRST_SILENCE_SECONDS, HEARTBEAT_SILENCE_SECONDS, Tail, await_ending
from mogplex.client.webhooks import WebhookCalls

TYPE_CHECKING = False  # `typing` and the typed fields are for type checkers; importing them costs every command time
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from mogplex.client.fields import KeyBody, RepoBody, RetryBody, RunBody, SecretBody
    from mogplex.client.sender import Carrier
    from mogplex.client.wire import Response

    Json = dict[str, Any]
    Body = Mapping[str, object]

DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_RETRY_SECONDS = 60.0
SILENCE_SECONDS = (FIRST_SILENCE_SECONDS, HEARTBEAT_SILENCE_SECONDS)


class ApiCalls(WebhookCalls, ScheduleCalls):
    """The calls, as coroutines. `AsyncClient` has them as they are; `Client` has each under `blocking(…)`.

    Every one raises `ApiError` when the server refuses and `ConnectionFailed` when it can't be reached or is no
    Mogplex server, and `UnusableValue` for an argument that can't be sent at all (an empty id, a key with a line end).
    A refusal with `Retry-After` is waited for as long as it fits into the client's `retry_seconds`.
    """

    def __init__(self, carrier: Carrier, retry_seconds: float, silence_seconds: tuple[float, float]) -> None:
        super().__init__(carrier, retry_seconds)
        self._silence_seconds = silence_seconds

    async def fetch(self, path: str, query: Mapping[str, Any] | None = None) -> Response:
        """GET any path below `/api/v1/mogplex`, with the exact bytes the server sent in `Response.body`."""
        return await self._request("GET", path, query=query)

    # --- who am I, what is there ---------------------------------------------------------------------------------

    async def me(self) -> Json:
        """This key: id, name, prefix, scopes, repos, limits left."""
        return await self._get("/me")

    async def list_harnesses(self) -> Json:
        """{"harnesses": [{name, version, …}]}: what is installed, whether it can run now, and if not, why."""
        return await self._get("/harnesses")

    async def list_models(self) -> Json:
        """{"models": [{id, provider, pricing, …}]}: the models that can be reached."""
        return await self._get("/models")

    # --- repos ---------------------------------------------------------------------------------------------------

    async def list_repos(self, query: str | None = None, limit: int | None = None, cursor: str | None = None) -> Json:
        """{"repos": [{id, full_name, default_branch, …}]} by name. `query` is a part of owner/name."""
        return await self._get("/repos", q=query, limit=limit, cursor=cursor)

    async def add_repo(self, body: RepoBody | Body) -> Json:
        """Register a repo by `cloneUrl`. The same one twice gives the same repo."""
        return inner(await self._send("POST", "/repos", body), "repo")

    async def get_repo(self, repo_id: str, *, detect_setup: bool = False) -> Json:
        """With `detect_setup` it also tells what setup the files of the default branch ask for."""
        return inner(await self._get(f"/repos/{segment(repo_id)}", detect="setup" if detect_setup else None), "repo")

    async def update_repo(self, repo_id: str, body: RepoBody | Body) -> Json:
        """Change the settings named in `body`; None takes one back to its default."""
        return inner(await self._send("PATCH", f"/repos/{segment(repo_id)}", body), "repo")

    async def set_secret(self, repo_id: str, name: str, body: SecretBody | Body) -> Json:
        """{"secret": {name, phases, …}, "created"}. Setting it again replaces value and phases."""
        return await self._send("PUT", f"/repos/{segment(repo_id)}/secrets/{segment(name)}", body)

    async def remove_secret(self, repo_id: str, name: str) -> Json:
        return await self._send("DELETE", f"/repos/{segment(repo_id)}/secrets/{segment(name)}")

    async def remove_repo(self, repo_id: str) -> Json:
        return await self._send("DELETE", f"/repos/{segment(repo_id)}")

    # --- runs ----------------------------------------------------------------------------------------------------

    async def start_run(self, body: RunBody | Body, *, idempotency_key: str | None = None) -> Json:
        """Start a run, or find the one that this idempotency key has started: then `replayed` is true.

        Without a key a random one is used. A connection that is cut is tried again with the same key, so there is
        never a second run.
        """
        return await self._post_once("/runs", body, idempotency_key)

    async def list_runs(
        self,
        *,
        repo: str | None = None,
        status: str | None = None,
        outcome: str | None = None,
        label: Iterable[str] | None = None,
        retry_of: str | None = None,
        contender_of: str | None = None,
        since: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Json:
        """One page, newest first: {"runs": [run, …], "nextCursor": str | None}. `label` holds `name=value` texts."""
        return await self._get(
            "/runs",
            repo=repo,
            status=status,
            outcome=outcome,
            label=list(label) if label else None,
            retryOf=retry_of,
            contenderOf=contender_of,
            since=since,
            limit=limit,
            cursor=cursor,
        )

    async def get_run(self, run_id: str, wait_seconds: float | None = None) -> Json:
        """The run now; with `wait_seconds` the server answers once the run is terminal or the time is over."""
        query = None if wait_seconds is None else {"wait": f"{wait_seconds:.3f}".rstrip("0").rstrip(".")}
        path = f"/runs/{segment(run_id)}"
        answer = await self._request("GET", path, query=query, extra_seconds=wait_seconds or 0.0)
        return inner(answer.read_data(), "run")

    async def wait_for_run(self, run_id: str, timeout_seconds: float | None = None) -> Json:
        """The run once it is terminal; survives cuts and restarts of the server. Raises WaitTimeout."""
        patience = Patience(self._carrier.sleep, timeout_seconds)
        return await await_ending(self._impatient().get_run, run_id, patience)

    async def list_events(self, run_id: str, after: int = 0, limit: int | None = None, raw: bool = False) -> Json:
        """One page: {"run", "events": [event, …], "nextAfter": int, "hasMore": bool}; `after` is a `seq`.

        `raw` adds the harness's line behind each event.
        """
        return await self._get(f"/runs/{segment(run_id)}/events", after=after, limit=limit, raw=1 if raw else None)

    def open_tail(self, run_id: str, after: int = 0, timeout_seconds: float | None = None) -> Tail:
        """What `stream_events` of both clients reads from."""
        segment(run_id)
        patience = Patience(self._carrier.sleep, timeout_seconds)
        return Tail(self._carrier, self._impatient().list_events, run_id, after, patience, self._silence_seconds)

    def open_pages(self, limit: int | None, filters: Mapping[str, Any]) -> RunPages:
        """What `runs.list` of both clients reads from."""
        return RunPages(self.list_runs, limit, filters)

    def _impatient(self) -> ApiCalls:
        """These calls without waits of their own: who waits longer has a deadline to mind."""
        return ApiCalls(self._carrier, 0.0, self._silence_seconds)

    async def cancel_run(self, run_id: str) -> Json:
        """{"run", "status", "alreadyTerminal"}. Safe to repeat."""
        return await self._send("POST", f"/runs/{segment(run_id)}/cancel")

    async def retry_run(
        self, run_id: str, body: RetryBody | Body | None = None, *, idempotency_key: str | None = None
    ) -> Json:
        """A new run with `retryOf` set, on the same working branch; from failed and cancelled runs only."""
        return await self._post_once(f"/runs/{segment(run_id)}/retry", body or {}, idempotency_key)

    async def get_patch(self, run_id: str) -> bytes:
        """What the run has changed, for `git apply` on its base commit. ApiError NOT_FOUND says why there is none."""
        path = f"/runs/{segment(run_id)}/patch"
        return (await self._request("GET", path, headers={"Accept": "text/x-diff"})).body

    # --- sandboxes -----------------------------------------------------------------------------------------------

    async def list_sandboxes(
        self, *, repo_id: str | None = None, status: str | None = None, limit: int | None = None
    ) -> Json:
        """{"sandboxes": [{id, status, …}]}, one record an attempt: limits, peak memory, CPU, processes left."""
        return await self._get("/sandboxes", repo_id=repo_id, status=status, limit=limit)

    async def get_sandbox_logs(self, sandbox_id: str) -> Json:
        return await self._get(f"/sandboxes/{segment(sandbox_id)}/logs")

    async def stop_sandbox(self, sandbox_id: str) -> Json:
        """End a sandbox; its run fails as `sandbox_failed`."""
        return inner(await self._send("POST", f"/sandboxes/{segment(sandbox_id)}/stop"), "sandbox")

    # --- observability -------------------------------------------------------------------------------------------

    async def get_stats(self, since: str | None = None, until: str | None = None) -> Json:
        """Statistics of runs made from `since` up to `until` (ISO-8601), of the last 24 hours by default."""
        return await self._get("/observability/stats", **{"from": since, "to": until})

    async def get_pressure(self) -> Json:
        """What is busy, what waits and how long: {"slots", "workers", "queue", "limits"}."""
        return await self._get("/observability/pressure")

    async def list_tools(self, run_id: str, after: int = 0, limit: int | None = None) -> Json:
        """One page: {"tools": [{toolName, arguments, ok, …}], "nextAfter": int, "hasMore": bool}."""
        return await self._get(f"/runs/{segment(run_id)}/tools", after=after, limit=limit)

    async def list_calls(self, run_id: str, after: int = 0, limit: int | None = None) -> Json:
        """{"calls": [{model, usage, costUsd, …}], nextAfter, hasMore}: a run's model calls, in order."""
        return await self._get(f"/runs/{segment(run_id)}/calls", after=after or None, limit=limit)

    async def list_checks(self, run_id: str, *, whole: bool = False) -> Json:
        """{"checks": [{command, target, verdict, output, …}]} in the order in which they ran; `whole`: all output."""
        return await self._get(f"/runs/{segment(run_id)}/checks", whole=1 if whole else None)

    # --- keys ----------------------------------------------------------------------------------------------------

    async def create_key(self, body: KeyBody | Body) -> Json:
        """The new key, with its `secret`: it is shown this once."""
        return inner(await self._send("POST", "/keys", body), "key")

    async def list_keys(self) -> Json:
        """{"keys": [{id, name, prefix, scopes, …}]}, never the secrets."""
        return await self._get("/keys")

    async def list_audit(
        self,
        *,
        action: str | None = None,
        key: str | None = None,
        target: str | None = None,
        since: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Json:
        """One page, newest first: {"entries": [{at, action, target, keyId, address, …}], "nextCursor"}."""
        return await self._get("/audit", action=action, key=key, target=target, since=since, limit=limit, cursor=cursor)

    async def revoke_key(self, key_id: str) -> Json:
        """From the next request on the key is refused."""
        return await self._send("DELETE", f"/keys/{segment(key_id)}")
