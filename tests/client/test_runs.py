"""A run as an object, with a real server behind it, and a worker that the test plays."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mogplex.client import ApiError, RunFailed, WaitTimeout
from mogplex.domain.run import Changes, Outcome, Run
from mogplex.domain.sandbox import SandboxFacts
from tests.api.conftest import OpenDoor
from tests.api.door import Door
from tests.client.conftest import MakeClient
from tests.house import ending, said

DIFF = b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n"


@pytest.fixture
def client(make_client: MakeClient, door: Door) -> Any:
    door.house.add_repo()
    return make_client(f"http://{door.host}:{door.port}", door.key)


def claim(door: Door, run_id: str) -> Run:
    house = door.house
    return house.claim(house.runs.get(house.admin, run_id))


def finish(door: Door, claimed: Run, outcome: Outcome = Outcome.COMPLETED) -> None:
    assert door.house.attempts.save_patch(claimed, DIFF)
    changes = Changes(1, 1, 1, "c" * 40, ("a",))
    door.house.attempts.finish(claimed, ending(outcome, changes=changes), SandboxFacts())


def test_a_run_is_started_followed_and_read(door: Door, client: Any) -> None:
    options = {"create_branch": True, "labels": {"ticket": "4_2"}, "budget": {"toolCalls": 9}, "checks": None}
    run = client.run("acme/widgets", "Mend it", idempotency_key="once", **options)
    assert (run.status, run.is_ended, run.outcome, run.replayed) == ("pending", False, None, False)
    assert client.run("acme/widgets", "Mend it", idempotency_key="once", **options).replayed
    assert (run.repo, run.data["labels"], run.data["budget"]["toolCalls"]) == (
        "acme/widgets",
        {"ticket": "4_2"},
        9,
    )
    events = run.events()
    assert next(events).type == "queued"
    claimed = claim(door, run.id)
    assert door.house.attempts.record(claimed, [said("looking")]).result(20)
    seen = [next(events), next(events)]
    assert [(each.type, each.message) for each in seen][-1] == ("assistant_message", "looking")
    finish(door, claimed)
    seen += list(events)
    assert [each.seq for each in seen] == list(range(2, 2 + len(seen)))
    assert seen[-1].type == "finished" and seen[-1].payload["status"] == "success"
    assert (run.status, run.is_ended, run.outcome, run.verdict) == ("success", True, "completed", "verified")
    assert run.require_success().patch() == DIFF
    assert run.changes["files"] == 1
    assert [each.seq for each in run.events(after=2)] == [each.seq for each in seen if each.seq > 2]


def test_a_run_is_waited_for_cancelled_and_retried(door: Door, client: Any) -> None:
    run = client.run("acme/widgets", "Mend it")
    with pytest.raises(WaitTimeout):
        run.wait(timeout_seconds=0.3)
    with pytest.raises(ApiError, match="retr"):
        run.retry()
    worker = threading.Timer(0.5, lambda: finish(door, claim(door, run.id), Outcome.CHECKS_FAILED))
    worker.start()
    assert run.wait(timeout_seconds=60).outcome == "checks_failed"
    worker.join()
    with pytest.raises(RunFailed, match=f"run {run.id} ended as checks_failed") as failed:
        run.require_success()
    assert failed.value.run.id == run.id
    again = run.retry(idempotency_key="again", timeout_seconds=60)
    assert (again.data["retryOf"], again.status) == (run.id, "pending")
    assert again.cancel().status == "cancelled"
    assert client.runs.get(again.id).outcome == "cancelled_by_caller"


def test_runs_are_listed_over_their_pages(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mogplex.client.run_pages._PAGE_RUNS", 2)
    ids = [client.run("acme/widgets", f"Task {number}").id for number in range(5)][::-1]
    assert [run.id for run in client.runs.list(repo="acme/widgets")] == ids
    assert [run.id for run in client.runs.list(limit=3)] == ids[:3]
    assert list(client.runs.list(status="success")) == []


def test_a_quota_of_starts_is_waited_out_as_the_server_says(make_client: MakeClient, open_door: OpenDoor) -> None:
    door = open_door(starts={2.0: 1})
    door.house.add_repo()
    url = f"http://{door.host}:{door.port}"
    first = make_client(url, door.key).run("acme/widgets", "One")
    with pytest.raises(ApiError) as refused:
        for _ in range(20):  # more than fit into the window, however slow this machine is
            make_client(url, door.key, retry_seconds=0).run("acme/widgets", "Two")
    assert refused.value.retry_after_seconds
    assert make_client(url, door.key).run("acme/widgets", "Three").id != first.id


def test_what_cannot_be_sent_or_is_unknown_is_told(client: Any) -> None:
    with pytest.raises(ApiError, match="modell"):
        client.run("acme/widgets", "Mend it", modell="gpt-5.5")
    with pytest.raises(ApiError) as unknown:
        client.runs.get("run_nothing")
    assert unknown.value.code == "NOT_FOUND"
