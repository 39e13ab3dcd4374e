"""Runs that end in a pull request, on a whole server and a forge that answers over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest

from mogplex.domain.forge import ForgeKind
from tests.acceptance.house import SUCCESS, House, git, say
from tests.acceptance.test_endings import CHECK, EDIT, play, told
from tests.forges.fake_forge import PROJECT, TOKEN, FakeForge, Fault, forge_server
from tests.forges.messages import SECRET, comment, sign

PUBLIC = "https://mogplex.example.org"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    shared = House(MOGPLEX_FORGE_NETWORKS="127.0.0.0/8", MOGPLEX_PUBLIC_URL=PUBLIC + "/")
    try:
        yield shared.start()
    finally:
        shared.close()


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeForge]:
    with forge_server(ForgeKind.GITHUB) as forge:
        yield forge


@pytest.fixture(scope="module")
def repo_id(house: House, fake: FakeForge) -> str:
    settings = {"kind": "github", "apiUrl": fake.api_url, "project": PROJECT, "labels": ["bot"]}
    repo = str(house.add_repo("demo/requests", forge=settings)["id"])
    house.client.set_secret(repo, "FORGE", {"value": TOKEN, "phases": ["forge"]})
    return repo


def delivered(house: House, run: dict[str, Any]) -> list[dict[str, Any]]:
    return [each["payload"] for each in house.events(run["runId"]) if each["type"] == "delivered"]


def request_for(fake: FakeForge, run: dict[str, Any]) -> dict[str, Any]:
    (found,) = [each for each in fake.requests if each["branch"] == run["branch"]["working"]]
    return found


def test_good_work_ends_in_one_request_with_its_evidence(house: House, repo_id: str, fake: FakeForge) -> None:
    summary = say({"type": "end", "success": True, "summary": "The clamp clamps, @octocat."})
    run: dict[str, Any] = play(
        house, repo_id, f"{EDIT}\n{summary}", checks=[CHECK], delivery="pull_request", title="Mend the clamp"
    )
    assert told(run) == ("success", "completed", "verified")
    url = run["changes"]["pullRequestUrl"]
    assert url == f"{fake.url}/{PROJECT}/pull/1"
    assert [each["pullRequestUrl"] for each in delivered(house, run)] == [None, url]
    assert house.events(run["runId"])[-1]["payload"]["pullRequestUrl"] == url
    made = request_for(fake, run)
    assert (made["title"], made["base"], made["draft"], made["labels"]) == ("Mend the clamp", "main", False, ["bot"])
    assert f"{PUBLIC}/runs/{run['runId']}" in made["body"] and "`python -m pytest -q`" in made["body"]
    assert "3 passed" in made["body"] and "The clamp clamps" in made["body"] and "@octocat" not in made["body"]
    shown = house.cli("runs", "get", run["runId"]).stdout
    assert url in shown
    assert TOKEN not in json.dumps([house.events(run["runId"]), run]) + house.log.read_text()


def test_work_that_nobody_checked_is_a_draft(house: House, repo_id: str, fake: FakeForge) -> None:
    run: dict[str, Any] = play(house, repo_id, f"{EDIT}\n{SUCCESS}", delivery="pull_request")
    assert told(run) == ("success", "completed", "not_run")
    assert request_for(fake, run)["draft"] is True


def test_a_request_that_fails_is_a_failed_delivery_and_a_retry_mends_it(
    house: House, repo_id: str, fake: FakeForge
) -> None:
    fake.faults = [Fault("POST", "/pulls", 403, body={"message": "Resource not accessible by personal access token"})]
    run: dict[str, Any] = play(house, repo_id, f"{EDIT}\n{SUCCESS}", checks=[CHECK], delivery="pull_request")
    assert told(run) == ("failed", "delivery_failed", "verified")
    branch = run["branch"]["working"]
    assert f"The branch {branch} is pushed" in run["error"] and "needs to write pull requests" in run["error"]
    tip = git(house.folder("demo/requests"), "rev-parse", branch)
    assert [each["commit"] for each in delivered(house, run)] == [tip]
    again: dict[str, Any] = house.client.retry_run(run["runId"])
    ended: dict[str, Any] = house.wait(again["runId"])
    assert told(ended) == ("success", "no_changes", "verified")  # all of it was on the branch
    assert ended["changes"]["pullRequestUrl"].startswith(fake.url)
    assert request_for(fake, run)["draft"] is False
    assert git(house.folder("demo/requests"), "rev-parse", branch) == tip


def test_a_busy_forge_is_asked_again(house: House, repo_id: str, fake: FakeForge) -> None:
    fake.faults = [Fault("POST", "/pulls", 502, lost=True), Fault("GET", "/pulls", 429, {"Retry-After": "1"})]
    run: dict[str, Any] = play(house, repo_id, f"{EDIT}\n{SUCCESS}", delivery="pull_request")
    assert told(run) == ("success", "completed", "not_run")
    assert request_for(fake, run) and not fake.faults


def test_a_comment_on_github_ends_in_a_request_and_an_answer(house: House, fake: FakeForge) -> None:
    settings = {"kind": "github", "apiUrl": fake.api_url, "project": PROJECT}
    hooks = {"on": ["comment"]}
    repo = str(house.add_repo("demo/hooked", forge=settings, hooks=hooks, harness="scripted")["id"])
    for name, phase, value in (("FORGE", "forge", TOKEN), ("HOOK", "hook", SECRET)):
        house.client.set_secret(repo, name, {"value": value, "phases": [phase]})
    raw = json.dumps(comment(f"/mogplex {EDIT}\n{SUCCESS}\nexit 0")).encode()
    headers = {"Content-Type": "application/json", "X-GitHub-Event": "issue_comment", "X-Hub-Signature-256": sign(raw)}
    request = Request(f"{house.url}/api/v1/mogplex/hooks/github", raw, {**headers, "X-GitHub-Delivery": "abcdef-12"})
    with urlopen(request, timeout=60) as answer:
        assert answer.status == 202
    (run,) = house.until(lambda: house.client.list_runs(repo=repo)["runs"], 60, "the run that was asked for")
    assert told(house.wait(run["runId"]))[:2] == ("success", "completed")
    house.until(lambda: any("is done" in each["body"] for each in fake.comments), 60, "the answer")
    assert request_for(fake, run)["draft"] and len(fake.comments) == 1
    assert SECRET not in house.log.read_text()


def test_partial_work_is_asked_for_as_a_draft_that_says_so(house: House, repo_id: str, fake: FakeForge) -> None:
    failure = say({"type": "end", "success": False, "summary": "not done yet"})
    run: dict[str, Any] = play(
        house, repo_id, f"{EDIT}\n{failure}", delivery="pull_request", deliverPartial=True, checks=[CHECK]
    )
    assert told(run)[:2] == ("failed", "harness_failed")
    made = request_for(fake, run)
    assert made["draft"] is True and "Unfinished work" in made["body"]
    assert run["changes"]["pullRequestUrl"] == delivered(house, run)[-1]["pullRequestUrl"]
