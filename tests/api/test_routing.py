"""Ids, queries, methods and headers: the edges of every route."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from mogplex.api.services import Readiness
from mogplex.domain.errors import RateLimited
from mogplex.domain.repo import Repo
from tests.api.door import Door

MALFORMED = [
    "x",
    "run_",
    "run_zzz",
    "%00",
    "run_%00",
    "%0A",
    "..",
    "a%20b",
    quote("läuft"),
    "%ff",
    "x" * 10_000,
    "*",
    "'",
]


@pytest.mark.parametrize("wanted", MALFORMED)
def test_a_malformed_id_is_404(shared_door: Door, wanted: str) -> None:
    for method, path in [
        ("GET", f"/runs/{wanted}"),
        ("GET", f"/runs/{wanted}?wait=1"),
        ("GET", f"/runs/{wanted}/events"),
        ("GET", f"/runs/{wanted}/stream"),
        ("GET", f"/runs/{wanted}/patch"),
        ("GET", f"/runs/{wanted}/checks"),
        ("GET", f"/runs/{wanted}/tools"),
        ("POST", f"/runs/{wanted}/cancel"),
        ("POST", f"/runs/{wanted}/retry"),
        ("GET", f"/sandboxes/{wanted}/logs"),
        ("POST", f"/sandboxes/{wanted}/stop"),
        ("GET", f"/repos/{wanted}"),
        ("DELETE", f"/repos/{wanted}"),
        ("DELETE", f"/keys/{wanted}"),
    ]:
        assert len(shared_door.send(method, path).refused(404, "NOT_FOUND")) < 300


def test_a_malformed_id_changes_nothing_when_repos_are_patched(shared_door: Door) -> None:
    for wanted in MALFORMED:
        shared_door.send("PATCH", f"/repos/{wanted}", {}).refused(404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/runs?limit=0", "limit"),
        ("/runs?limit=201", "limit"),
        ("/runs?limit=ten", "limit"),
        ("/runs?limit=1.5", "limit"),
        ("/runs?limit=%31%5F0", "limit"),
        ("/runs?limit=" + "9" * 500, "limit"),
        ("/runs?limit=1&limit=2", "limit"),
        ("/runs?status=done", "status"),
        ("/runs?outcome=fine", "outcome"),
        ("/runs?label=novalue", "label"),
        ("/runs?since=yesterday", "since"),
        ("/runs?since=2026-01-01T00:00:00", "since"),
        ("/runs?since=9999999-01-01", "since"),
        ("/runs?page=2", "page"),
        ("/runs?Limit=2", "Limit"),
        ("/runs?repo=%00", "repo"),
        ("/runs?repo=" + "x" * 1001, "repo"),
        ("/repos?limit=-1", "limit"),
        ("/sandboxes?status=on", "status"),
        ("/me?x=1", "x"),
        ("/runs/run_000000000000000000000000/events?after=-1", "after"),
        ("/runs/run_000000000000000000000000/events?limit=1001", "limit"),
        ("/runs/run_000000000000000000000000/cancel?force=1", "force"),
    ],
)
def test_a_bad_query_is_400_and_names_the_parameter(shared_door: Door, path: str, field: str) -> None:
    method = "POST" if "cancel" in path else "GET"
    reply = shared_door.send(method, path)
    reply.refused(400, "BAD_REQUEST")
    assert [each["field"] for each in reply.error["details"]] == [field]


def test_too_many_or_unreadable_parameters_are_400(shared_door: Door) -> None:
    shared_door.get("/runs?" + "&".join(f"a{index}=1" for index in range(101))).refused(400, "BAD_REQUEST")
    shared_door.get("/runs?repo=%ff").refused(400, "BAD_REQUEST")
    shared_door.get("/runs?cursor=nonsense").refused(400, "BAD_REQUEST")


def test_blank_parameters_count_as_left_out(shared_door: Door) -> None:
    assert shared_door.get("/runs?limit=&repo=&status=&since=").status == 200


def test_labels_may_be_there_twice(door: Door, repo: Repo) -> None:
    both = door.start(repo, "1", labels={"a": "1", "b": "2"}).data["runId"]
    door.start(repo, "2", labels={"a": "1"})
    found = door.get("/runs?label=a%3D1&label=b%3D2").data["runs"]
    assert [run["runId"] for run in found] == [both]


def test_lists_page_through_everything_once(door: Door, repo: Repo) -> None:
    started = [door.start(repo, str(index)).data["runId"] for index in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = door.get(f"/runs?limit=3&cursor={cursor}").data
        seen += [run["runId"] for run in page["runs"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == started[::-1]


def test_long_prompts_are_cut_in_lists_only(door: Door, repo: Repo) -> None:
    run_id = door.start(repo, prompt="x" * 5000).data["runId"]
    listed = door.get("/runs").data["runs"][0]
    assert (len(listed["prompt"]), listed["promptCharacters"]) == (1000, 5000)
    assert len(door.get(f"/runs/{run_id}").data["run"]["prompt"]) == 5000


def test_no_slash_is_added_or_taken(shared_door: Door) -> None:
    shared_door.get("/runs/").refused(404, "NOT_FOUND")
    shared_door.get("/me/").refused(404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path",
    ["/me", "/nothing", "/runs", "/runs/x", "/runs?x=1", "//healthz", "//readyz", "//openapi.json", "//docs", "//x"],
)
def test_every_answer_bears_an_id_and_no_permission_for_foreign_pages(shared_door: Door, path: str) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT"):
        reply = shared_door.send(method, path, headers={"Origin": "https://evil.example", "X-Request-Id": "mine"})
        assert reply.headers["x-request-id"].startswith("req_"), (method, path)
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in reply.headers
        assert "server" not in reply.headers
        assert method != "HEAD" or reply.body == b""


def test_request_ids_are_new_each_time(shared_door: Door) -> None:
    assert len({shared_door.get("/me").headers["x-request-id"] for _ in range(5)}) == 5


def test_an_unexpected_fault_is_500_and_stays_in_the_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    class Bad:
        def __iter__(self) -> Any:
            raise RuntimeError("the secret cause")

    door.harnesses = Bad()  # type: ignore[assignment]
    reply = door.get("/harnesses")
    reply.refused(500, "INTERNAL_ERROR")
    assert b"secret cause" not in reply.body
    assert reply.headers["x-ratelimit-limit"]
    record = next(each for each in caplog.records if reply.headers["x-request-id"] in each.getMessage())
    assert "the secret cause" in str(record.exc_info)


def test_a_refusal_without_a_time_still_says_when_to_come_back(door: Door) -> None:
    class Full:
        def __iter__(self) -> Any:
            raise RateLimited("full", 0.01)

    door.harnesses = Full()  # type: ignore[assignment]
    assert door.get("/harnesses").headers["retry-after"] == "1"


def test_health_and_readiness_need_no_key(door: Door) -> None:
    assert door.get("//healthz", key=None).data == {"status": "ok", "version": "0.0.0-test"}
    assert door.get("//readyz", key=None).data["checks"][0] == {"name": "database", "ok": True, "detail": "reachable"}
    door.ready = [Readiness("database", False, "gone"), Readiness("worker", True)]
    reply = door.get("//readyz", key=None)
    assert "gone" in reply.refused(503, "SERVICE_UNAVAILABLE")
    assert reply.error["details"] == [{"field": "database", "reason": "gone"}]
    assert reply.headers["retry-after"]
    assert door.get("//healthz", key=None).status == 200


def test_keys_are_made_as_asked_or_refused(door: Door, repo: Repo) -> None:
    for body, field in [
        ({}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x", "scopes": "read"}, "scopes"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": [1]}, "scopes"),
        ({"name": "x", "repos": []}, "repos"),
        ({"name": "x", "repos": ["acme/none"]}, "repos"),
        ({"name": "x", "expiresAt": 5}, "expiresAt"),
        ({"name": "x", "expiresAt": "2999-01-01T00:00:00"}, "expiresAt"),
        ({"name": "x", "role": "root"}, "role"),
    ]:
        reply = door.send("POST", "/keys", body)
        reply.refused(400, "BAD_REQUEST")
        assert [each["field"] for each in reply.error["details"]] == [field], body
    for body in ({"name": ""}, {"name": "x", "scopes": ["root"]}, {"name": "x", "expiresAt": "2001-01-01T00:00:00Z"}):
        door.send("POST", "/keys", body).refused(400, "BAD_REQUEST")
