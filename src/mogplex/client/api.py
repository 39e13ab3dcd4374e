"""`Client`: one method a service call, with the same names."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from mogplex.client.errors import ApiError, ConnectionFailed
from mogplex.client.patience import Patience
from mogplex.client.tail import FIRST_SILENCE_SECONDS, HEARTBEAT_SILENCE_SECONDS, Tail, await_ending
from mogplex.client.transport import Response, Transport, is_header_value

TYPE_CHECKING = False  # `typing` and the typed fields are for type checkers; importing them costs every command time
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Unpack

    from mogplex.client.fields import RepoFields, RetryFields, RunFields

    Json = dict[str, Any]

LONGEST_IDEMPOTENCY_KEY = 200
_START_PAUSES_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0)


class Client:
    """The API of one server with one key. Safe to share between threads: it keeps no open connection.

    Every method raises `ApiError` when the server refuses and `ConnectionFailed` when it can't be reached or is no
    Mogplex server, and ValueError for an argument that could never be sent (an empty id, a key with a line end).
    """

    def __init__(
        self,
        url: str,
        api_key: str | None,
        timeout_seconds: float = 30.0,
        silence_seconds: tuple[float, float] = (FIRST_SILENCE_SECONDS, HEARTBEAT_SILENCE_SECONDS),
    ) -> None:
        """`timeout_seconds` bounds each read of an answer. `silence_seconds`: how long a followed stream may be
        silent before something on the way is taken to hold it back; at its start, and between heartbeats.
        """
        self._transport = Transport(url, api_key, timeout_seconds)
        self._silence_seconds = silence_seconds

    @property
    def url(self) -> str:
        return self._transport.url

    def fetch(self, path: str, query: Mapping[str, Any] | None = None) -> Response:
        """GET any path below `/api/v1/mogplex`, with the exact bytes the server sent in `Response.body`."""
        return self._transport.request("GET", path, query=query)

    # --- who am I, what is there ---------------------------------------------------------------------------------

    def me(self) -> Json:
        """This key: id, name, prefix, scopes, repos, limits left."""
        return self._get("/me")

    def list_harnesses(self) -> list[Json]:
        """Installed harnesses: name, version, whether they can run now, and if not, why."""
        return _items(self._get("/harnesses"), "harnesses")

    def list_models(self) -> list[Json]:
        """Models that can be reached, with prices."""
        return _items(self._get("/models"), "models")

    # --- repos ---------------------------------------------------------------------------------------------------

    def list_repos(self, query: str | None = None, limit: int | None = None, cursor: str | None = None) -> list[Json]:
        """Repos by name: id, full_name, default_branch, root_directory, … `query` is a part of owner/name."""
        return _items(self._get("/repos", q=query, limit=limit, cursor=cursor), "repos")

    def add_repo(self, source: str, **fields: Unpack[RepoFields]) -> Json:
        """Register a clone URL or a path on the server's machine. The same source twice gives the same repo."""
        body = {"source": source, **_wire_fields(fields, keep_none=False)}
        return _inner(self._send("POST", "/repos", body), "repo")

    def get_repo(self, repo_id: str) -> Json:
        return _inner(self._get(f"/repos/{_segment(repo_id)}"), "repo")

    def update_repo(self, repo_id: str, **fields: Unpack[RepoFields]) -> Json:
        """Change the given settings only; None clears one."""
        return _inner(self._send("PATCH", f"/repos/{_segment(repo_id)}", _wire_fields(fields, keep_none=True)), "repo")

    def remove_repo(self, repo_id: str) -> Json:
        return self._send("DELETE", f"/repos/{_segment(repo_id)}")

    # --- runs ----------------------------------------------------------------------------------------------------

    def start_run(
        self, repo: str, prompt: str, *, idempotency_key: str | None = None, **fields: Unpack[RunFields]
    ) -> Json:
        """Start a run, or find the one that this idempotency key has started: then `replayed` is true.

        `repo` is an id or owner/name. Without a key a random one is used. A connection that is cut is tried again with
        the same key, so there is never a second run.
        """
        body = {"repoId": repo, "prompt": prompt, **_wire_fields(fields, keep_none=False)}
        return self._post_once("/runs", body, idempotency_key)

    def list_runs(
        self,
        *,
        repo: str | None = None,
        status: str | None = None,
        outcome: str | None = None,
        label: Iterable[str] | None = None,
        retry_of: str | None = None,
        since: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Json:
        """One page, newest first: {"runs": [run, …], "nextCursor": str | None}. `label` holds `name=value` texts."""
        return self._get(
            "/runs",
            repo=repo,
            status=status,
            outcome=outcome,
            label=list(label) if label else None,
            retryOf=retry_of,
            since=since,
            limit=limit,
            cursor=cursor,
        )

    def get_run(self, run_id: str, wait_seconds: float | None = None) -> Json:
        """The run now; with `wait_seconds` the server answers once the run is terminal or the time is over."""
        query = None if wait_seconds is None else {"wait": f"{wait_seconds:.3f}".rstrip("0").rstrip(".")}
        answer = self._transport.request(
            "GET", f"/runs/{_segment(run_id)}", query=query, extra_seconds=wait_seconds or 0.0
        )
        return _inner(answer.read_data(), "run")

    def wait_for_run(self, run_id: str, timeout_seconds: float | None = None) -> Json:
        """The run once it is terminal; survives cuts and restarts of the server. Raises WaitTimeout."""
        return await_ending(self.get_run, run_id, Patience(timeout_seconds))

    def list_events(self, run_id: str, after: int = 0, limit: int | None = None) -> Json:
        """One page: {"run", "events": [event, …], "nextAfter": int, "hasMore": bool}; `after` is a `seq`."""
        return self._get(f"/runs/{_segment(run_id)}/events", after=after, limit=limit)

    def stream_events(self, run_id: str, after: int = 0, timeout_seconds: float | None = None) -> Iterator[Json]:
        """Every event after `after` once and in order, live, until `finished` (included).

        Resumes by itself after a cut, waits as told when the server is busy, and asks for pages instead when a proxy
        holds the stream back. Raises WaitTimeout when `timeout_seconds` are over; the run goes on.
        """
        _segment(run_id)
        tail = Tail(self._transport, self.list_events, run_id, after, Patience(timeout_seconds), self._silence_seconds)
        return tail.events()

    def cancel_run(self, run_id: str) -> Json:
        """{"run", "status", "alreadyTerminal"}. Safe to repeat."""
        return self._send("POST", f"/runs/{_segment(run_id)}/cancel")

    def retry_run(self, run_id: str, *, idempotency_key: str | None = None, **fields: Unpack[RetryFields]) -> Json:
        """A new run with `retryOf` set, on the same working branch; from failed and cancelled runs only."""
        return self._post_once(
            f"/runs/{_segment(run_id)}/retry", _wire_fields(fields, keep_none=False), idempotency_key
        )

    def get_patch(self, run_id: str) -> bytes:
        """What the run has changed, for `git apply` on its base commit. Empty when it changed nothing."""
        path = f"/runs/{_segment(run_id)}/patch"
        return self._transport.request("GET", path, headers={"Accept": "text/x-diff"}).body

    # --- sandboxes -----------------------------------------------------------------------------------------------

    def list_sandboxes(
        self, *, repo_id: str | None = None, status: str | None = None, limit: int | None = None
    ) -> list[Json]:
        """One record an attempt: limits, peak memory, CPU seconds, processes left."""
        return _items(self._get("/sandboxes", repo_id=repo_id, status=status, limit=limit), "sandboxes")

    def get_sandbox_logs(self, sandbox_id: str) -> Json:
        return self._get(f"/sandboxes/{_segment(sandbox_id)}/logs")

    def stop_sandbox(self, sandbox_id: str) -> Json:
        """End a sandbox; its run fails as `sandbox_failed`."""
        return _inner(self._send("POST", f"/sandboxes/{_segment(sandbox_id)}/stop"), "sandbox")

    # --- keys ----------------------------------------------------------------------------------------------------

    def create_key(
        self,
        name: str,
        scopes: Iterable[str] = ("read", "write"),
        repos: Iterable[str] | None = None,
        expires_at: str | None = None,
    ) -> Json:
        """The new key, with its `secret`: it is shown this once. `expires_at` is an ISO time."""
        fields = {
            "name": name,
            "scopes": list(scopes),
            "repos": list(repos) if repos else None,
            "expires_at": expires_at,
        }
        return _inner(self._send("POST", "/keys", _wire_fields(fields, keep_none=False)), "key")

    def list_keys(self) -> list[Json]:
        return _items(self._get("/keys"), "keys")

    def revoke_key(self, key_id: str) -> Json:
        """From the next request on the key is refused."""
        return self._send("DELETE", f"/keys/{_segment(key_id)}")

    # --- how it is sent ------------------------------------------------------------------------------------------

    def _get(self, path: str, **query: Any) -> Json:
        return self._transport.request("GET", path, query=query).read_data()

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        answer = self._transport.request(method, path, body=body)
        return answer.read_data() if answer.body else {}

    def _post_once(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> Json:
        """POST with an idempotency key; after a cut nobody knows whether it arrived, and the key makes asking safe."""
        key = str(uuid.uuid4()) if idempotency_key is None else check_idempotency_key(idempotency_key)
        patience = Patience(None)
        perhaps_there = False
        for pause_seconds in (*_START_PAUSES_SECONDS, None):
            try:
                return self._transport.request("POST", path, body=body, headers={"Idempotency-Key": key}).read_data()
            except (ApiError, ConnectionFailed) as error:
                perhaps_there = perhaps_there or _may_have_arrived(error)
                refused = isinstance(error, ApiError) and not _may_have_arrived(error)
                if pause_seconds is None or refused or not perhaps_there:
                    raise
                patience.sleep(pause_seconds)
        raise AssertionError("the last round returns or raises")


def check_idempotency_key(key: str) -> str:
    """`key` without surrounding blanks. Raises ValueError when it can't be sent."""
    trimmed = key.strip()
    if not trimmed or len(trimmed) > LONGEST_IDEMPOTENCY_KEY:
        raise ValueError(f"the idempotency key has {len(trimmed)} characters: use 1 to {LONGEST_IDEMPOTENCY_KEY}")
    if not is_header_value(trimmed.replace(" ", "_")):
        raise ValueError(f"the idempotency key {trimmed!r} holds characters a header can't carry: use visible ASCII")
    return trimmed


def _may_have_arrived(error: ApiError | ConnectionFailed) -> bool:
    if isinstance(error, ConnectionFailed):
        return error.sent and not error.silent
    return error.http_status in (502, 504)  # said by a proxy that lost the server


def _segment(identifier: str) -> str:
    """One part of a path. An empty one would ask for the whole list instead."""
    if not identifier.strip():
        raise ValueError("an id is empty")
    return quote(identifier.strip(), safe="")


def _inner(data: Json, name: str) -> Json:
    inner = data.get(name)
    return inner if isinstance(inner, dict) else data


def _items(data: Json, name: str) -> list[Json]:
    items = data.get(name, data.get("items"))
    return items if isinstance(items, list) else []


def _wire_fields(fields: Mapping[str, Any], *, keep_none: bool) -> Json:
    """snake_case to the API's camelCase; only names of fields change, never keys of labels or env."""
    wire: Json = {}
    for name, value in fields.items():
        if value is None and not keep_none:
            continue
        if name == "budget" and value is not None:
            value = _wire_fields(value, keep_none=False)
        head, *rest = name.split("_")
        wire[head + "".join(part.title() for part in rest)] = value
    return wire
