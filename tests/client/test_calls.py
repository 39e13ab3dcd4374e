"""Single calls: what is sent, what comes back, and what is refused."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mogplex.client import ApiError, AsyncClient, Client, ConnectionFailed, UnusableValue
from mogplex.client.awaiting import AsyncRun, AsyncRuns
from mogplex.client.blocking import Run, Runs
from mogplex.client.calls import ApiCalls
from tests.cli.scripted_api import API, KEY, RUN_ID, Answer, ScriptedApi, make_run, ok, refuse
from tests.client.conftest import MakeClient

RUN = f"/runs/{RUN_ID}"

CALLS: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("GET", "/me", lambda client: client.me()),
    ("GET", "/harnesses", lambda client: client.list_harnesses()),
    ("GET", "/models", lambda client: client.list_models()),
    ("GET", "/repos", lambda client: client.list_repos("we b", 5)),
    ("POST", "/repos", lambda client: client.add_repo({"cloneUrl": "/srv/web"})),
    ("GET", "/repos/r1", lambda client: client.get_repo("r1")),
    ("PATCH", "/repos/r1", lambda client: client.update_repo("r1", {"checks": None})),
    ("DELETE", "/repos/r1", lambda client: client.remove_repo("r1")),
    ("POST", "/runs", lambda client: client.start_run({"repoId": "r1", "prompt": "x"})),
    ("GET", "/runs", lambda client: client.list_runs(label=["a=1", "b=2"], retry_of="z")),
    ("GET", RUN, lambda client: client.get_run(RUN_ID)),
    ("GET", f"{RUN}/events", lambda client: client.list_events(RUN_ID, after=3, limit=7)),
    ("POST", f"{RUN}/cancel", lambda client: client.cancel_run(RUN_ID)),
    ("POST", f"{RUN}/retry", lambda client: client.retry_run(RUN_ID, {"model": "m"}, idempotency_key="k 1")),
    ("GET", "/sandboxes", lambda client: client.list_sandboxes(repo_id="r1", status="running")),
    ("GET", "/sandboxes/s1/logs", lambda client: client.get_sandbox_logs("s1")),
    ("POST", "/sandboxes/s1/stop", lambda client: client.stop_sandbox("s1")),
    ("GET", f"{RUN}/tools", lambda client: client.list_tools(RUN_ID, after=3, limit=7)),
    ("GET", f"{RUN}/checks", lambda client: client.list_checks(RUN_ID)),
    ("GET", "/observability/stats", lambda client: client.get_stats("2026-01-01", "2026-01-02")),
    ("GET", "/observability/pressure", lambda client: client.get_pressure()),
    ("POST", "/keys", lambda client: client.create_key({"name": "ci"})),
    ("GET", "/keys", lambda client: client.list_keys()),
    ("DELETE", "/keys/k1", lambda client: client.revoke_key("k1")),
]


@pytest.mark.parametrize(("method", "path", "call"), CALLS, ids=[f"{method} {path}" for method, path, _ in CALLS])
def test_each_call_goes_to_its_route_with_the_key(
    make_client: MakeClient, api: ScriptedApi, method: str, path: str, call: Callable[[Any], Any]
) -> None:
    api.script(method, path, ok({"answer": "é"}))
    assert call(make_client(api.url, KEY)) == {"answer": "é"}
    (request,) = api.requests
    assert (request.method, request.path) == (method, path)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("mogplex/")


def test_queries_and_bodies_arrive_as_given(make_client: MakeClient, api: ScriptedApi) -> None:
    client = make_client(api.url, KEY)
    api.script("GET", "/runs", ok({"runs": []}))
    api.script("POST", "/runs", ok(make_run(), 202))
    client.list_runs(label=["a=1", "b=2"], repo="acme/web")
    assert api.requests[-1].query_pairs == [("repo", "acme/web"), ("label", "a=1"), ("label", "b=2")]
    client.start_run({"repoId": "r", "prompt": "naïve 日本 \ud83d\ude00", "labels": {"snake_case": "x"}})
    assert api.requests[-1].body == {"repoId": "r", "prompt": "naïve 日本 😀", "labels": {"snake_case": "x"}}
    assert len(api.requests[-1].headers["idempotency-key"]) == 36


def test_ids_are_quoted(make_client: MakeClient, api: ScriptedApi) -> None:
    with pytest.raises(ApiError):
        make_client(api.url, KEY).get_run("a/../b ü")
    assert api.requests[0].path == "/runs/a%2F..%2Fb%20%C3%BC"


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_id_never_becomes_a_list(make_client: MakeClient, api: ScriptedApi, empty: str) -> None:
    with pytest.raises(UnusableValue):
        make_client(api.url, KEY).remove_repo(empty)
    assert api.requests == []


def test_patch_and_raw_bytes_come_through_unchanged(make_client: MakeClient, api: ScriptedApi) -> None:
    diff = b"diff --git a/x b/x\n\xff\xfe\r\n"
    api.script("GET", f"{RUN}/patch", Answer(body=diff, kind="text/x-diff"))
    api.script("GET", RUN, Answer(body=b'{"ok": true,  "data":{"run":{"n":1.10}}}'))
    client = make_client(api.url, KEY)
    assert client.get_patch(RUN_ID) == diff
    assert client.fetch(RUN).body == b'{"ok": true,  "data":{"run":{"n":1.10}}}'


@pytest.mark.parametrize("prefix", ["", "/", "/mogplex", f"/mogplex{API}/"])
def test_a_server_may_live_below_a_path(make_client: MakeClient, api: ScriptedApi, prefix: str) -> None:
    base = "/mogplex" if "mogplex" in prefix else ""
    api.script("GET", f"{base}{API}/me" if base else "/me", ok({"name": "x"}))
    assert make_client(api.url + prefix, KEY).me() == {"name": "x"}


@pytest.mark.parametrize("url", ["127.0.0.1:7433", "ftp://x", "http://", "http://x:99999", "", "http://x:abc"])
def test_a_wrong_url_is_told(make_client: MakeClient, url: str) -> None:
    with pytest.raises(UnusableValue, match="not a server's URL"):
        make_client(url, KEY)


@pytest.mark.parametrize("key", ["two words", "line\nend", "schlüssel"])
def test_a_key_that_is_no_header_is_told(make_client: MakeClient, key: str) -> None:
    with pytest.raises(UnusableValue):
        make_client("http://localhost", key)


def test_a_cut_start_is_repeated_under_the_same_key(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("POST", "/runs", Answer(cut=True), Answer(502, b"<html>", "text/html"), ok(make_run("pending"), 202))
    assert make_client(api.url, KEY).start_run({"repoId": "r", "prompt": "x"})["status"] == "pending"
    assert len({request.headers["idempotency-key"] for request in api.requests}) == 1
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("status", "code"), [(400, "BAD_REQUEST"), (409, "IDEMPOTENCY_CONFLICT"), (503, "SERVICE_UNAVAILABLE")]
)
def test_a_refused_start_is_not_repeated(make_client: MakeClient, api: ScriptedApi, status: int, code: str) -> None:
    api.script("POST", "/runs", refuse(status, code, "no"))
    with pytest.raises(ApiError) as caught:
        make_client(api.url, KEY).start_run({"repoId": "r", "prompt": "x"})
    assert caught.value.code == code
    assert len(api.requests) == 1


def test_errors_carry_all_that_the_server_said(make_client: MakeClient, api: ScriptedApi) -> None:
    details = [{"field": "prompt", "reason": "is required"}]
    api.script("GET", "/me", refuse(429, "RATE_LIMITED", "slow down", details, Retry_After="7"))
    with pytest.raises(ApiError) as caught:
        make_client(api.url, KEY, retry_seconds=0).me()
    error = caught.value
    assert (error.code, error.message, error.details) == ("RATE_LIMITED", "slow down", details)
    assert (error.request_id, error.http_status, error.retry_after_seconds) == ("req_42", 429, 7.0)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "UNAUTHORIZED"),
        (403, "FORBIDDEN"),
        (404, "NOT_FOUND"),
        (413, "BAD_REQUEST"),
        (429, "RATE_LIMITED"),
        (500, "INTERNAL_ERROR"),
        (502, "SERVICE_UNAVAILABLE"),
        (503, "SERVICE_UNAVAILABLE"),
        (504, "SERVICE_UNAVAILABLE"),
    ],
)
def test_a_proxys_own_error_page_gets_a_code(make_client: MakeClient, api: ScriptedApi, status: int, code: str) -> None:
    api.script("GET", "/me", Answer(status, b"<html>\n<b>nginx</b></html>", "text/html"))
    with pytest.raises(ApiError) as caught:
        make_client(api.url, KEY).me()
    assert caught.value.code == code
    assert "nginx" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.request_id == "req_head"


@pytest.mark.parametrize("body", [b"<html>portal</html>", b"{", b"[]", b"{}", b'{"ok":true}', b""])
def test_what_is_no_mogplex_server_is_told(make_client: MakeClient, api: ScriptedApi, body: bytes) -> None:
    api.script("GET", "/me", Answer(body=body, kind="text/html"))
    with pytest.raises(ConnectionFailed, match="not a Mogplex server"):
        make_client(api.url, KEY).me()


def test_a_redirect_names_the_right_address(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", "/me", Answer(301, headers={"Location": "https://real.example"}))
    with pytest.raises(ApiError, match=r"https://real\.example"):
        make_client(api.url, KEY).me()


def test_a_cut_answer_and_a_silent_server_are_told_apart(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", "/me", Answer(chunks=[b'{"ok":'], cut=True), Answer(pause_seconds=10.0))
    client = make_client(api.url, KEY, timeout_seconds=0.3)
    with pytest.raises(ConnectionFailed) as cut:
        client.me()
    assert cut.value.sent
    assert not cut.value.silent
    with pytest.raises(ConnectionFailed, match="no answer") as silent:
        client.me()
    assert silent.value.silent


@pytest.mark.parametrize("key", ["", "   ", "x" * 201, "ключ", "a\nb"])
def test_an_idempotency_key_that_cannot_be_sent_is_told(make_client: MakeClient, api: ScriptedApi, key: str) -> None:
    with pytest.raises(UnusableValue):
        make_client(api.url, KEY).start_run({"repoId": "r", "prompt": "x"}, idempotency_key=key)
    assert api.requests == []


def test_retry_after_may_be_a_date(make_client: MakeClient, api: ScriptedApi) -> None:
    api.script("GET", "/me", refuse(503, "SERVICE_UNAVAILABLE", "x", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"))
    with pytest.raises(ApiError) as caught:
        make_client(api.url, KEY, retry_seconds=0).me()
    assert caught.value.retry_after_seconds == 0


def test_big_numbers_and_unknown_fields_are_kept(make_client: MakeClient, api: ScriptedApi) -> None:
    run = {"runId": "x", "status": "success", "big": 2**63 + 1, "new": {"deep": [None, True, "\u2028"]}}
    api.script("GET", RUN, ok({"run": run}))
    assert make_client(api.url, KEY).get_run(RUN_ID) == json.loads(json.dumps(run))


def test_a_refusal_that_names_its_time_is_waited_for(make_client: MakeClient, api: ScriptedApi) -> None:
    busy = refuse(429, "RATE_LIMITED", "slow down", Retry_After="0")
    away = refuse(503, "SERVICE_UNAVAILABLE", "draining", Retry_After="0")
    api.script("GET", "/me", busy, away, ok({"name": "x"}))
    api.script("POST", "/runs", busy, away, ok(make_run("pending"), 202))
    client = make_client(api.url, KEY)
    assert client.me() == {"name": "x"}
    assert client.start_run({"repoId": "r", "prompt": "x"})["status"] == "pending"
    assert len({request.headers["idempotency-key"] for request in api.asked("POST", "/runs")}) == 1


def test_a_refusal_is_not_waited_for_longer_than_wished_nor_repeated_blindly(
    make_client: MakeClient, api: ScriptedApi
) -> None:
    api.script("GET", "/me", refuse(429, "RATE_LIMITED", "slow down", Retry_After="3000"))
    api.script("POST", "/keys", refuse(503, "SERVICE_UNAVAILABLE", "draining", Retry_After="0"))
    client = make_client(api.url, KEY)
    for call in (client.me, lambda: client.create_key({"name": "ci"})):  # a key could be made twice
        with pytest.raises(ApiError):
            call()
    assert len(api.requests) == 2


def test_what_a_program_does_not_say_comes_from_its_environment(
    make_client: MakeClient, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MOGPLEX_HOME", str(tmp_path))
    monkeypatch.delenv("MOGPLEX_URL", raising=False)
    monkeypatch.setenv("MOGPLEX_API_KEY", KEY)
    (tmp_path / "auth.json").write_text(json.dumps({"url": api.url, "apiKey": "mog_other"}))
    api.script("GET", "/me", ok({"name": "x"}))
    make_client().me()
    make_client(api_key="").me()
    assert [request.headers.get("authorization") for request in api.requests] == [f"Bearer {KEY}", None]
    (tmp_path / "auth.json").write_text("{")
    with pytest.raises(UnusableValue, match="mogplex login"):
        make_client()


def test_the_blocking_client_has_every_call() -> None:
    def names(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    calls = {name for name in names(ApiCalls) if not name.startswith("open_")}
    assert all(inspect.iscoroutinefunction(getattr(ApiCalls, name)) for name in calls), "write it as `async def`"
    assert calls - names(Client) == set(), "add the call to blocking.py"
    assert names(Client) - calls == names(AsyncClient) - calls - {"close", "open_tail", "open_pages"}
    for one, other in ((Run, AsyncRun), (Runs, AsyncRuns)):
        assert names(one) == names(other)
