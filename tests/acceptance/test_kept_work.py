"""Work that was done is never lost: pushed on request, taken up by a later run, and never raced by an older one."""

from __future__ import annotations

import pytest

from tests.acceptance.house import SUCCESS, House, assert_truthful, git, say
from tests.acceptance.test_endings import CHECK, EDIT, play, told

FAILURE = say({"type": "end", "success": False, "summary": "not done yet", "session": "talk-1"})
SAID = say({"type": "message", "text": "at it"})


@pytest.fixture(scope="module")
def repo_id(house: House) -> str:
    return str(house.add_repo("demo/kept")["id"])


def branches(house: House) -> list[str]:
    return git(house.folder("demo/kept"), "branch", "--list", "--format=%(refname:short)").split()


PARTIAL = {
    "time is up": (f"{EDIT}\n{SAID}\nsleep 300", {"timeoutSeconds": 3}, "timed_out"),
    "it gave up": (f"{EDIT}\n{FAILURE}", {}, "harness_failed"),
    "red checks": (f"echo broken > clamp.py\n{SUCCESS}", {"checks": [CHECK]}, "checks_failed"),
}


@pytest.mark.parametrize("kind", sorted(PARTIAL))
def test_partial_work_is_pushed_and_says_so(house: House, repo_id: str, kind: str) -> None:
    script, fields, outcome = PARTIAL[kind]
    run = play(house, repo_id, script, deliverPartial=True, **fields)
    assert told(run)[:2] == ("failed", outcome)
    assert run["partial"] is True
    branch, commit = run["branch"]["working"], run["changes"]["commit"]  # type: ignore[index]
    folder = house.folder("demo/kept")
    assert git(folder, "rev-parse", branch) == commit
    message = git(folder, "log", "-1", "--format=%B", branch)
    assert message.startswith("Partial work: ")
    assert f"Mogplex-Partial: {outcome}" in message
    delivered = [each["payload"] for each in house.events(str(run["runId"])) if each["type"] == "delivered"]
    assert [(each["partial"], each["commit"]) for each in delivered] == [(True, commit)]


def test_without_asking_and_after_a_cancel_nothing_partial_is_pushed(house: House, repo_id: str) -> None:
    before = branches(house)
    run = play(house, repo_id, f"{EDIT}\n{FAILURE}")
    assert run["partial"] is False
    started = house.run_script(repo_id, f"{EDIT}\n{SAID}\nsleep 300", deliverPartial=True)
    house.wait_for_event(started["runId"], "stream_started")
    house.client.cancel_run(started["runId"])
    house.wait(started["runId"])
    assert assert_truthful(house, started["runId"])["partial"] is False
    assert branches(house) == before


def test_a_success_is_never_marked_as_partial(house: House, repo_id: str) -> None:
    for checks, verdict in (([CHECK], "verified"), ([], "not_run")):
        run = play(house, repo_id, f"{EDIT}\n{SUCCESS}", checks=checks, deliverPartial=True)
        assert (told(run), run["partial"]) == (("success", "completed", verdict), False)
        delivered = [each["payload"] for each in house.events(str(run["runId"])) if each["type"] == "delivered"]
        assert [each["partial"] for each in delivered] == [False]
        tip = git(house.folder("demo/kept"), "rev-parse", run["branch"]["working"])  # type: ignore[index]
        assert tip == delivered[0]["commit"]


TWO_STEPS = f"""if [ -f notes.txt ]; then
  cat /state/talk
  {EDIT}
  {SUCCESS}
else
  echo one step > notes.txt
  echo remember me > /state/talk
  {FAILURE}
fi"""


@pytest.mark.parametrize("partial", [False, True])
def test_a_resumed_run_goes_on_from_work_and_conversation(house: House, repo_id: str, partial: bool) -> None:
    first = play(house, repo_id, TWO_STEPS, checks=[CHECK], deliverPartial=partial)
    assert (told(first)[1], first["session"], first["partial"]) == ("harness_failed", "talk-1", partial)
    again = house.client.retry_run(str(first["runId"]), {"resume": True, "timeoutSeconds": 100})
    house.wait(again["runId"])
    second = assert_truthful(house, again["runId"])
    assert told(second) == ("success", "completed", "verified")
    assert (second["resume"], second["retryOf"]) == (True, first["runId"])
    assert second["branch"]["working"] == first["branch"]["working"]  # type: ignore[index]
    assert "remember me" in str(house.events(again["runId"]))
    tip = git(house.folder("demo/kept"), "show", f"{second['branch']['working']}:notes.txt")
    assert tip == "one step"


def test_a_retry_that_does_not_resume_begins_anew(house: House, repo_id: str) -> None:
    first = play(house, repo_id, TWO_STEPS)
    again = house.client.retry_run(str(first["runId"]))
    house.wait(again["runId"])
    assert told(assert_truthful(house, again["runId"]))[1] == "harness_failed"


def test_a_newer_run_takes_the_place_of_older_ones(house: House, repo_id: str) -> None:
    git(house.folder("demo/kept"), "branch", "mogplex/contended", "main")
    same = {"createBranch": False, "workingBranch": "mogplex/contended"}
    streaming = house.run_script(repo_id, f"{SAID}\nsleep 300", **same)
    house.wait_for_event(streaming["runId"], "stream_started")
    waiting = house.run_script(repo_id, f"sleep 1\n{SUCCESS}", **same)
    other = house.run_script(repo_id, f"sleep 1\n{SUCCESS}")
    newest = house.run_script(repo_id, f"{EDIT}\n{SUCCESS}", supersede=True, **same)
    for run in (streaming, waiting):
        house.wait(run["runId"], 20)
        ended = assert_truthful(house, run["runId"])
        assert told(ended)[:2] == ("cancelled", "superseded")
        assert ended["supersededBy"] == newest["runId"]
    house.wait(newest["runId"])
    assert told(assert_truthful(house, newest["runId"]))[:2] == ("success", "completed")
    house.wait(other["runId"])
    assert told(assert_truthful(house, other["runId"]))[0] == "success", "another branch is left alone"
