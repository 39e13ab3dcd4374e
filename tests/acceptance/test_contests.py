"""Best of several: the best contender's work is delivered, the others are kept and shown."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex.client import ApiError
from tests.acceptance.house import SUCCESS, House, assert_truthful, git, say
from tests.acceptance.test_endings import CHECK, EDIT, told

FAILURE = say({"type": "end", "success": False, "summary": "no"})


@pytest.fixture(scope="module")
def repo_id(house: House) -> str:
    return str(house.add_repo("demo/contest")["id"])


def contenders(house: House, run: dict[str, Any]) -> list[dict[str, Any]]:
    found = house.client.list_runs(contender_of=run["runId"])["runs"]
    return sorted(found, key=lambda each: each["contender"])


def play(house: House, repo_id: str, script: str, **fields: Any) -> dict[str, Any]:
    run = house.run_script(repo_id, script, **fields)
    house.wait(run["runId"], 90)
    return assert_truthful(house, run["runId"])


def test_side_by_side_all_run_and_one_is_delivered(house: House, repo_id: str) -> None:
    run = play(house, repo_id, f"{EDIT}\n{SUCCESS}", attempts=2, attemptsMode="side-by-side", checks=[CHECK])
    assert told(run) == ("success", "completed", "verified")
    both = contenders(house, run)
    assert [told(each) for each in both] == [("success", "completed", "verified")] * 2
    assert run["contest"]["winner"] == both[0]["runId"]
    folder = house.folder("demo/contest")
    assert git(folder, "rev-parse", run["branch"]["working"]) == run["changes"]["commit"]
    types = [event["type"] for event in house.events(run["runId"])]
    assert types.count("contender_started") == types.count("contender_finished") == 2
    assert types.count("contender_chosen") == types.count("delivered") == 1
    for each in both:
        assert_truthful(house, each["runId"])
        assert house.client.get_patch(each["runId"]) == house.client.get_patch(run["runId"])
        assert "delivered" not in [event["type"] for event in house.events(each["runId"])]


def test_in_order_a_verified_one_is_enough(house: House, repo_id: str) -> None:
    run = play(house, repo_id, f"{EDIT}\n{SUCCESS}", attempts=3, checks=[CHECK])
    assert told(run) == ("success", "completed", "verified")
    assert len(contenders(house, run)) == 1


def test_in_order_another_harness_gets_its_turn(house: House, repo_id: str) -> None:
    """`scripted` plays the prompt, which fails; `repair` does not care for it and finds the fix."""
    run = house.client.start_run(
        {
            "repoId": repo_id,
            "prompt": FAILURE,
            "harnesses": ["scripted", "repair"],
            "createBranch": True,
            "checks": [CHECK],
        }
    )
    house.wait(run["runId"], 100)
    ended = assert_truthful(house, run["runId"])
    first, second = contenders(house, ended)
    assert (first["harness"], first["outcome"]) == ("scripted", "harness_failed")
    assert (second["harness"], second["outcome"]) == ("repair", "completed")
    assert told(ended) == ("success", "completed", "verified")
    assert ended["contest"]["winner"] == second["runId"]


def test_when_none_succeeds_the_best_says_why_and_its_work_is_kept(house: House, repo_id: str) -> None:
    run = play(house, repo_id, f"echo x > notes.txt\n{SUCCESS}", attempts=2, checks=[CHECK])
    assert told(run) == ("failed", "checks_failed", "failed")
    assert "None of the 2 contenders succeeded" in run["error"]
    assert b"notes.txt" in house.client.get_patch(run["runId"])
    assert run["branch"]["working"] not in git(house.folder("demo/contest"), "branch", "--list")


def test_a_cancel_ends_all_of_them(house: House, repo_id: str) -> None:
    run = house.run_script(repo_id, f"{EDIT}\nsleep 300", attempts=2, attemptsMode="side-by-side")
    for contender in house.client.get_run(run["runId"])["contest"]["contenders"]:
        house.wait_for_event(contender, "sandbox_ready")
    house.client.cancel_run(run["runId"])
    house.wait(run["runId"], 20)
    assert told(assert_truthful(house, run["runId"]))[:2] == ("cancelled", "cancelled_by_caller")
    for contender in contenders(house, run):
        house.wait(contender["runId"], 20)
        assert told(assert_truthful(house, contender["runId"]))[0] == "cancelled"
    assert house.left_processes() == []


def test_a_contest_goes_on_after_the_server_was_killed(fragile: House) -> None:
    fragile.start()
    repo = fragile.add_repo("demo/contest")
    run = fragile.run_script(
        repo["id"], f"sleep 2\n{EDIT}\n{SUCCESS}", attempts=2, attemptsMode="side-by-side", checks=[CHECK]
    )
    fragile.wait_for_event(run["contest"]["contenders"][0], "sandbox_ready")
    fragile.kill()
    fragile.start()
    fragile.wait(run["runId"], 90)
    assert told(assert_truthful(fragile, run["runId"])) == ("success", "completed", "verified")


BAD_WISHES = {
    "too many": {"attempts": 9},
    "fewer than harnesses": {"attempts": 1, "harnesses": ["scripted", "repair"]},
    "an unknown harness": {"harnesses": ["scripted", "nobody"]},
    "an unknown mode": {"attempts": 2, "attemptsMode": "at-random"},
}


@pytest.mark.parametrize("kind", sorted(BAD_WISHES))
def test_what_makes_no_sense_is_refused(house: House, repo_id: str, kind: str) -> None:
    body = {"repoId": repo_id, "prompt": "x", "createBranch": True, **BAD_WISHES[kind]}
    with pytest.raises(ApiError, match=r"attempts|harness"):
        house.client.start_run(body)
