"""`POST /runs`: the whole request, one rule at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mogplex.domain.repo import Repo
from tests.api.conftest import OpenDoor
from tests.api.door import Door


def test_starts_once_and_replays(door: Door, repo: Repo) -> None:
    first = door.start(repo, labels={"team": "a"})
    assert first.status == 202
    run = first.data
    assert (run["status"], run["replayed"], run["repoId"]) == ("pending", False, repo.id)
    assert (run["queue"]["position"], run["queue"]["ahead"], run["queue"]["reason"]) == (1, 0, "no_worker")
    assert first.headers["location"] == f"/api/v1/mogplex/runs/{run['runId']}"
    again = door.start(repo, labels={"team": "a"})
    assert (again.status, again.data["replayed"], again.data["runId"]) == (202, True, run["runId"])
    assert door.get(f"/runs/{run['runId']}").data["run"]["labels"] == {"team": "a"}


def test_same_key_with_another_body_is_a_conflict(door: Door, repo: Repo) -> None:
    door.start(repo)
    door.start(repo, prompt="Something else").refused(409, "IDEMPOTENCY_CONFLICT")


def test_twenty_at_once_make_one_run(door: Door, repo: Repo) -> None:
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: door.start(repo, "same"), range(20)))
    assert {reply.status for reply in replies} == {202}
    assert len({reply.data["runId"] for reply in replies}) == 1
    assert sorted(reply.data["replayed"] for reply in replies) == [False] + [True] * 19
    assert len(door.get("/runs").data["runs"]) == 1


@pytest.mark.parametrize(
    ("value", "word"), [(None, "required"), ("", "required"), ("   ", "required"), ("k" * 201, "200")]
)
def test_idempotency_key_is_checked_before_the_body(shared_door: Door, value: str | None, word: str) -> None:
    headers = {} if value is None else {"Idempotency-Key": value}
    message = shared_door.send("POST", "/runs", headers=headers, raw=b"not json").refused(400, "BAD_REQUEST")
    assert "Idempotency-Key" in message and word in message


def test_idempotency_key_of_200_characters_is_fine(door: Door, repo: Repo) -> None:
    assert door.start(repo, "k" * 200).status == 202
    assert door.start(repo, "ä".encode().decode("latin-1") * 200).status == 202


def test_idempotency_key_twice_is_refused(shared_door: Door, shared_repo: Repo) -> None:
    connection = shared_door.connect()
    try:
        connection.putrequest("POST", "/api/v1/mogplex/runs")
        connection.putheader("Authorization", f"Bearer {shared_door.key}")
        connection.putheader("Idempotency-Key", "one")
        connection.putheader("Idempotency-Key", "two")
        connection.putheader("Content-Length", "2")
        connection.endheaders(b"{}")
        answer = connection.getresponse()
        assert answer.status == 400
        assert b"2 times" in answer.read()
    finally:
        connection.close()


def test_prompt_has_1_to_100000_characters(door: Door, repo: Repo) -> None:
    assert door.start(repo, "a", prompt="é" * 100_000).status == 202
    assert "100,000" in door.start(repo, "b", prompt="x" * 100_001).refused(400, "BAD_REQUEST")
    for nothing in ("", "  \n", None):
        assert "prompt is required" in door.start(repo, "c", prompt=nothing).refused(400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"repoId": 5}, "repoId"),
        ({"repoId": ["x"]}, "repoId"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"prompt": "\x00"}, "prompt"),
        ({"prompt": "\ud800"}, "prompt"),
        ({"createBranch": "yes"}, "createBranch"),
        ({"createBranch": 1}, "createBranch"),
        ({"timeoutSeconds": "60"}, "timeoutSeconds"),
        ({"timeoutSeconds": 0}, "timeoutSeconds"),
        ({"timeoutSeconds": True}, "timeoutSeconds"),
        ({"budget": 5}, "budget"),
        ({"budget": {"usd": -1}}, "budget.usd"),
        ({"budget": {"euro": 1}}, "budget.euro"),
        ({"budget": {"tokens": 1.5}}, "budget.tokens"),
        ({"checks": "pytest"}, "checks"),
        ({"checks": [""]}, "checks[0]"),
        ({"labels": ["a"]}, "labels"),
        ({"labels": {"a": 1}}, "labels.a"),
        ({"env": {"1A": "x"}}, "env.1A"),
        ({"priority": 1000}, "priority"),
        ({"delivery": "mail"}, "delivery"),
        ({"outputSchema": []}, "outputSchema"),
        ({"outputSchema": {"a": "x" * 70_000}}, "outputSchema"),
        ({"commit": "HEAD"}, "commit"),
        ({"agent": "x"}, "agent"),
        ({"repo_id": "x"}, "repo_id"),
    ],
)
def test_names_the_field_at_fault(shared_door: Door, shared_repo: Repo, fields: dict[str, Any], named: str) -> None:
    reply = shared_door.start(shared_repo, **fields)
    reply.refused(400, "BAD_REQUEST")
    assert [each["field"] for each in reply.error["details"]] == [named]
    assert all(each["reason"] for each in reply.error["details"])


def test_names_all_fields_at_fault_at_once(shared_door: Door) -> None:
    reply = shared_door.send("POST", "/runs", {"mode": 1, "nonsense": 2}, {"Idempotency-Key": "k"})
    reply.refused(400, "BAD_REQUEST")
    assert {each["field"] for each in reply.error["details"]} == {"repoId", "prompt", "mode", "nonsense"}


@pytest.mark.parametrize(
    "name",
    ["-x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/", "a//b", "a.lock", "@", "a@{b"],
)
def test_refuses_bad_branch_names(shared_door: Door, shared_repo: Repo, name: str) -> None:
    for field in ("baseBranch", "workingBranch"):
        reply = shared_door.start(shared_repo, **{field: name})
        reply.refused(400, "BAD_REQUEST")
        assert reply.error["details"][0]["field"] == field


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../b", "a\x00b", ".git", "a/.GIT/hooks", "a\\b", 5, "x" * 1025])
def test_refuses_bad_root_directories(shared_door: Door, shared_repo: Repo, path: Any) -> None:
    reply = shared_door.start(shared_repo, rootDirectory=path)
    reply.refused(400, "BAD_REQUEST")
    assert reply.error["details"][0]["field"] == "rootDirectory"


def test_a_repo_that_is_not_there_is_404(shared_door: Door) -> None:
    for wanted in ("repo_000000000000000000000000", "acme/nothing", "'; --", "x" * 200):
        body = {"repoId": wanted, "prompt": "x"}
        shared_door.send("POST", "/runs", body, {"Idempotency-Key": "k"}).refused(404, "NOT_FOUND")


def test_replays_and_invalid_requests_cost_no_start_quota(open_door: OpenDoor) -> None:
    door = open_door(starts={60.0: 2})
    repo = door.house.add_repo()
    for _ in range(3):
        door.start(repo, "bad", prompt="").refused(400, "BAD_REQUEST")
        door.send("POST", "/runs", raw=b"{", headers={"Idempotency-Key": "bad"}).refused(400, "BAD_REQUEST")
        door.send("POST", "/runs", {"repoId": "a/b", "prompt": "x"}, {"Idempotency-Key": "bad"}).refused(
            404, "NOT_FOUND"
        )
    assert door.start(repo, "one").status == 202
    for _ in range(3):
        assert door.start(repo, "one").data["replayed"] is True
        door.start(repo, "one", prompt="other").refused(409, "IDEMPOTENCY_CONFLICT")
    assert door.get("/me").data["limits"]["starts"]["perMinute"] == {"limit": 2, "left": 1}
    assert door.start(repo, "two").status == 202
    refused = door.start(repo, "three")
    refused.refused(429, "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) >= 1
    assert door.start(repo, "one").data["replayed"] is True  # a replay is answered even now
