"""Every way a run can end, told truthfully whatever the harness does."""

from __future__ import annotations

import pytest

from mogplex.client import ApiError
from tests.acceptance.house import SUCCESS, House, assert_truthful, git, say

EDIT = "printf 'def clamp(v, low, high):\\n    return max(low, min(v, high))\\n' > clamp.py"
CHECK = "python -m pytest -q"


@pytest.fixture(scope="module")
def repo_id(house: House) -> str:
    repo = house.add_repo("demo/endings")
    return str(repo["id"])


def play(house: House, repo_id: str, script: str, seconds: float = 60, **fields: object) -> dict[str, object]:
    run = house.run_script(repo_id, script, **fields)
    house.wait(run["runId"], seconds)
    ended = assert_truthful(house, run["runId"])
    assert house.left_processes() == []
    return ended


def told(run: dict[str, object]) -> tuple[object, object, object]:
    return run["status"], run["outcome"], run["verdict"]


def test_good_work_is_verified_and_delivered(house: House, repo_id: str) -> None:
    run = play(house, repo_id, f"{EDIT}\n{SUCCESS}", checks=[CHECK])
    assert told(run) == ("success", "completed", "verified")


def test_success_is_not_taken_on_the_harness_word(house: House, repo_id: str) -> None:
    broken = "printf 'def clamp(v, low, high):\\n    return v\\n' > clamp.py"
    run = play(house, repo_id, f"{broken}\n{SUCCESS}", checks=[CHECK])
    assert told(run) == ("failed", "checks_failed", "failed")
    branch = run["branch"]["working"]  # type: ignore[index]
    assert branch not in git(house.folder("demo/endings"), "branch", "--list", "--format=%(refname:short)").split()
    assert b"return v" in house.client.get_patch(run["runId"])


LIES = {
    "no change at all": "true",
    "tests skipped": "printf 'import pytest\\npytest.skip(allow_module_level=True)\\n' > test_clamp.py",
    "tests edited": "printf 'def test_ok():\\n    pass\\n' > test_clamp.py",
    "tests deleted": "rm test_clamp.py",
    "exit from conftest": "printf 'import os\\nos._exit(0)\\n' > conftest.py",
    "sys.exit from conftest": "printf 'import sys\\nsys.exit(0)\\n' > conftest.py",
    "runner shadowed": "printf 'raise SystemExit(0)\\n' > pytest.py",
    "tests replaced at run time": ("printf 'def pytest_pyfunc_call(pyfuncitem):\\n    return True\\n' > conftest.py"),
}


@pytest.mark.parametrize("lie", sorted(LIES))
def test_a_lie_never_becomes_a_success(house: House, repo_id: str, lie: str) -> None:
    run = play(house, repo_id, f"{LIES[lie]}\n{SUCCESS}", checks=[CHECK])
    assert run["status"] == "failed", (lie, told(run))
    assert run["outcome"] == "checks_failed"


FIX_NOTHING = "echo '# looked at' >> clamp.py"
WITH_SOURCE_TOO = {
    "tests edited, as many as before": (
        "printf 'def test_a():\\n    pass\\ndef test_b():\\n    pass\\ndef test_c():\\n    pass\\n' > test_clamp.py"
    ),
    "tests replaced at run time": "printf 'def pytest_pyfunc_call(pyfuncitem):\\n    return True\\n' > conftest.py",
    "a plugin that hides failures": (
        "printf '[pytest]\\naddopts = -p quiet\\n' > pytest.ini\n"
        "printf 'def pytest_pyfunc_call(pyfuncitem):\\n    return True\\n' > quiet.py"
    ),
    "orders in pyproject.toml": (
        "printf '[tool.pytest.ini_options]\\naddopts = \"-p quiet\"\\n' > pyproject.toml\n"
        "printf 'def pytest_pyfunc_call(pyfuncitem):\\n    return True\\n' > quiet.py"
    ),
}


@pytest.mark.parametrize("lie", sorted(WITH_SOURCE_TOO))
def test_tests_that_the_run_changed_prove_nothing_alone(house: House, repo_id: str, lie: str) -> None:
    run = play(house, repo_id, f"{FIX_NOTHING}\n{WITH_SOURCE_TOO[lie]}\n{SUCCESS}", checks=[CHECK])
    assert told(run) == ("failed", "checks_failed", "inconclusive"), lie
    assert run["testsTouched"]
    records = house.client.fetch(f"/runs/{run['runId']}/checks").read_data()["checks"]
    assert [each["target"] for each in records][-2:] == ["patch", "base_tests"]
    assert "base's own" in str(run["error"])


def test_good_work_may_bring_tests_of_its_own(house: House, repo_id: str) -> None:
    test = "printf 'from clamp import clamp\\ndef test_more():\\n    assert clamp(11, 0, 10) == 10\\n' > test_more.py"
    run = play(house, repo_id, f"{EDIT}\n{test}\n{SUCCESS}", checks=[CHECK])
    assert told(run) == ("success", "completed", "verified")
    assert run["testsTouched"] == ["test_more.py"]


def test_whose_tests_decide_can_be_said(house: House, repo_id: str) -> None:
    """The run rewrites a test on purpose: that counts only for who says so."""
    script = f"{FIX_NOTHING}\n{WITH_SOURCE_TOO['tests edited, as many as before']}\n{SUCCESS}"
    trusting = play(house, repo_id, script, checks=[CHECK], protectTests=False)
    assert told(trusting) == ("success", "completed", "verified")
    strict = play(house, repo_id, script, checks=[CHECK], protectTests=True)
    assert told(strict) == ("failed", "checks_failed", "failed")
    helped = play(house, repo_id, f"{EDIT}\nrm test_clamp.py\n{SUCCESS}", checks=[CHECK], protectTests=True)
    assert told(helped) == ("success", "completed", "verified"), "the deleted tests were there for the check"


def test_red_may_stay_red_where_that_was_asked_for(house: House) -> None:
    tests = {"test_a.py": "def test_a():\n    assert 0\n", "test_b.py": "import b\n\n\ndef test_b():\n    assert b.x\n"}
    repo = house.add_repo("demo/red", {**tests, "b.py": "x = 1\n"}, checks=[CHECK], checkPolicy="no-regression")
    harmless = play(house, repo["id"], f"echo y = 2 >> b.py\n{SUCCESS}")
    assert (told(harmless), harmless["baseline"]) == (("success", "completed", "verified"), "failed")
    worse = play(house, repo["id"], f"echo x = 0 >> b.py\n{SUCCESS}")
    assert told(worse) == ("failed", "checks_failed", "failed")
    asked = play(house, repo["id"], f"echo y = 2 >> b.py\n{SUCCESS}", checkPolicy="strict")
    assert told(asked) == ("failed", "checks_failed", "failed")


UNFINISHED = {
    "silence": "true",
    "an error": say({"type": "end", "success": False, "summary": "could not"}),
    "exit code only": "exit 3",
    "a cut stream": f"{say({'type': 'message', 'text': 'I am done, all is fixed'})}\nkill -9 $$",
    "success but a bad exit": f"{SUCCESS}\nexit 1",
    "two results": f"{SUCCESS}\n{say({'type': 'end', 'success': False, 'summary': 'no'})}",
    "words only": "echo everything works now",
}


@pytest.mark.parametrize("kind", sorted(UNFINISHED))
def test_an_ending_that_is_no_clear_success_fails(house: House, repo_id: str, kind: str) -> None:
    run = play(house, repo_id, f"{EDIT}\n{UNFINISHED[kind]}", checks=[CHECK])
    assert told(run) == ("failed", "harness_failed", "not_run"), kind
    assert run["changes"] is not None, "the work done so far is kept"


def test_time_is_up(house: House, repo_id: str) -> None:
    run = play(house, repo_id, f"{EDIT}\nsleep 300", timeoutSeconds=2)
    assert told(run) == ("failed", "timed_out", "not_run")
    assert b"max(low" in house.client.get_patch(run["runId"])


def test_time_is_up_for_one_that_says_success_when_stopped(house: House, repo_id: str) -> None:
    script = f'trap "{say({"type": "end", "success": True, "summary": "done"})}; exit 0" INT TERM\nsleep 300 & wait'
    run = play(house, repo_id, script.replace('"type"', '\\"type\\"'), timeoutSeconds=2)
    assert told(run)[:2] == ("failed", "timed_out")


def test_cancel_kills_everything_and_keeps_the_work(house: House, repo_id: str) -> None:
    script = f"{EDIT}\nfor i in 1 2 3 4 5; do (setsid sh -c 'trap \"\" TERM INT HUP; sleep 300' &) ; done\nsleep 300"
    run = house.run_script(repo_id, script)
    house.wait_for_event(run["runId"], "sandbox_ready")
    house.until(lambda: len(house.left_processes()) > 5, 10, "the sandbox's processes to be seen")
    answer = house.client.cancel_run(run["runId"])
    assert answer["alreadyTerminal"] is False
    house.wait(run["runId"], 30)
    ended = assert_truthful(house, run["runId"])
    assert told(ended) == ("cancelled", "cancelled_by_caller", "not_run")
    assert house.left_processes() == []
    assert b"max(low" in house.client.get_patch(run["runId"])
    again = house.client.cancel_run(run["runId"])
    assert again["alreadyTerminal"] is True


def test_what_a_harness_says_when_it_is_cancelled_is_kept(house: House, repo_id: str) -> None:
    record = say({"type": "message", "text": "writing things down"}).replace('"', '\\"')
    run = house.run_script(repo_id, f'trap "{record}; exit 0" INT\necho begun\nsleep 300 & wait')
    house.wait_for_event(run["runId"], "stream_started")
    house.client.cancel_run(run["runId"])
    assert told(house.wait(run["runId"], 10))[:2] == ("cancelled", "cancelled_by_caller")
    assert "writing things down" in [event["message"] for event in house.events(run["runId"])]
    assert house.left_processes() == []


def test_the_working_branch_moved_meanwhile(house: House, repo_id: str) -> None:
    folder = house.folder("demo/endings")
    git(folder, "branch", "mogplex/moving", "main")
    script = f"{EDIT}\nsleep 3\n{SUCCESS}"
    run = house.run_script(repo_id, script, createBranch=False, workingBranch="mogplex/moving")
    house.wait_for_event(run["runId"], "sandbox_ready")
    tree = git(folder, "rev-parse", "main^{tree}")
    moved = git(folder, "commit-tree", tree, "-p", "main", "-m", "somebody else")
    git(folder, "update-ref", "refs/heads/mogplex/moving", moved)
    house.wait(run["runId"])
    ended = assert_truthful(house, run["runId"])
    assert told(ended)[:2] == ("failed", "delivery_failed")
    assert git(folder, "rev-parse", "mogplex/moving") == moved, "never a force push"
    assert b"max(low" in house.client.get_patch(run["runId"])


BAD_STARTS = {
    "missing base": ({"baseBranch": "nowhere"}, "nowhere"),
    "missing root": ({"rootDirectory": "no/such/folder"}, "no/such/folder"),
    "unknown commit": ({"commit": "0" * 40}, "0" * 40),
    "existing branch": ({"workingBranch": "taken"}, "taken"),
}


@pytest.mark.parametrize("kind", sorted(BAD_STARTS))
def test_a_start_that_cannot_be_prepared_says_why(house: House, repo_id: str, kind: str) -> None:
    fields, named = BAD_STARTS[kind]
    if kind == "existing branch" and not git(house.folder("demo/endings"), "branch", "--list", "taken"):
        git(house.folder("demo/endings"), "branch", "taken", "main")
    run = play(house, repo_id, SUCCESS, **fields)
    assert told(run)[:2] == ("failed", "setup_failed")
    assert named in str(run["error"])


def test_flood_and_strange_bytes_and_a_long_line(house: House, repo_id: str) -> None:
    script = (
        "head -c 30000000 /dev/zero | tr '\\0' 'x' | fold -w 100\n"
        "head -c 3000000 /dev/zero | tr '\\0' 'y'; echo\n"
        "printf '\\377\\376\\000 not utf-8\\n'\necho to stderr >&2\n" + SUCCESS
    )
    run = play(house, repo_id, script, 100)
    assert told(run)[:2] == ("success", "no_changes")
    assert run["lastSeq"] < 3000  # type: ignore[operator]


def test_a_check_that_cannot_decide_is_no_pass(house: House, repo_id: str) -> None:
    for check in ("no-such-command", "python -m pytest -q -k nothing_at_all"):
        run = play(house, repo_id, f"{EDIT}\n{SUCCESS}", checks=[check])
        assert told(run) == ("failed", "checks_failed", "inconclusive"), check


def test_a_stopped_sandbox_fails_the_run(house: House, repo_id: str) -> None:
    run = house.run_script(repo_id, "sleep 300")
    house.wait_for_event(run["runId"], "sandbox_ready")
    record = house.client.get_run(run["runId"])["sandboxRecordId"]
    house.client.stop_sandbox(record)
    house.wait(run["runId"], 20)
    ended = assert_truthful(house, run["runId"])
    assert told(ended)[:2] == ("failed", "sandbox_failed")
    left = next(each for each in house.client.list_sandboxes()["sandboxes"] if each["id"] == record)
    assert left["processes_left"] == 0


def test_one_at_a_time_on_a_branch(house: House, repo_id: str) -> None:
    git(house.folder("demo/endings"), "branch", "mogplex/shared", "main")
    same = {"createBranch": False, "workingBranch": "mogplex/shared"}
    first = house.run_script(repo_id, f"sleep 3\n{SUCCESS}", **same)
    house.wait_for_event(first["runId"], "sandbox_ready")
    second = house.run_script(repo_id, f"sleep 0\n{SUCCESS}", **same)
    waiting = house.client.get_run(second["runId"])
    assert waiting["status"] == "pending"
    assert waiting["queue"]["position"] >= 1
    house.wait(second["runId"])
    first_end = house.client.get_run(first["runId"])["timing"]["finishedAt"]
    assert house.client.get_run(second["runId"])["timing"]["startedAt"] >= first_end


def test_retry_makes_a_new_run_on_the_same_branch(house: House, repo_id: str) -> None:
    failed = play(house, repo_id, "exit 1")
    retried = house.client.retry_run(failed["runId"])
    assert retried["retryOf"] == failed["runId"]
    assert retried["branch"]["working"] == failed["branch"]["working"]  # type: ignore[index]
    house.wait(retried["runId"])
    succeeded = play(house, repo_id, SUCCESS)
    with pytest.raises(ApiError, match="success"):
        house.client.retry_run(succeeded["runId"])


def test_tool_calls_are_counted_and_capped_by_us(house: House, repo_id: str) -> None:
    call = say({"type": "tool_call", "id": "1", "name": "shell", "arguments": {}})
    script = f"{EDIT}\ni=0; while [ $i -lt 50 ]; do {call}; i=$((i+1)); sleep 0.05; done\n{SUCCESS}"
    run = play(house, repo_id, script, budget={"toolCalls": 10})
    assert told(run)[:2] == ("failed", "budget_exceeded")
    warnings = [event for event in house.events(str(run["runId"])) if event["type"] == "budget_warning"]
    assert [warning["payload"]["of"] for warning in warnings] == [10]
    assert b"max(low" in house.client.get_patch(str(run["runId"]))


SCHEMA = {"type": "object", "properties": {"cause": {"type": "string"}}, "required": ["cause"]}


@pytest.mark.parametrize(
    ("result", "outcome"), [({"cause": "x"}, "completed"), ({"cause": 1}, "output_invalid"), ({}, "output_invalid")]
)
def test_a_structured_result_is_held_to_its_schema(
    house: House, repo_id: str, result: dict[str, object], outcome: str
) -> None:
    end = say({"type": "end", "success": True, "summary": "done", "result": result})
    run = play(house, repo_id, f"{EDIT}\n{end}", outputSchema=SCHEMA)
    assert run["outcome"] == outcome
    assert run["result"] == result


BAD_WISHES = {
    "pull request": ({"delivery": "pull_request"}, "which forge"),
    "no schema": ({"outputSchema": {"type": "nonsense"}}, "outputSchema"),
}


@pytest.mark.parametrize("kind", sorted(BAD_WISHES))
def test_what_cannot_be_done_is_refused_before_the_work(house: House, repo_id: str, kind: str) -> None:
    fields, named = BAD_WISHES[kind]
    with pytest.raises(ApiError, match=named):
        house.run_script(repo_id, SUCCESS, **fields)


def test_variables_of_the_repo_and_the_run_reach_the_sandbox_and_are_told_to_nobody(house: House) -> None:
    repo = house.add_repo("demo/variables", env={"FROM_REPO": "s3cret-of-the-repo", "BOTH": "repo-value"})
    script = f"echo $FROM_REPO $BOTH; env | cut -d= -f1 | sort | tr '\\n' ' '; echo\n{SUCCESS}"
    run = house.run_script(repo["id"], script, env={"BOTH": "run-value-wins"})
    house.wait(run["runId"])
    text = str(house.events(run["runId"]))
    assert "[redacted] [redacted]" in text
    for secret in ("s3cret-of-the-repo", "run-value-wins", house.api_key):
        assert secret not in text
    assert "MOGPLEX" not in text.replace("mogplex", "")
