"""A repo whose tests need a package: the setup installs it, `repair` mends the bug, the checks see it too."""

from __future__ import annotations

from typing import Any

from tests.acceptance.house import House, assert_truthful, git, make_repo
from tests.worker.setup_world import FROM_WHEELS, WHEEL

BUGGY = """import answer


def most(value):
    if value >= answer.ANSWER:
        return value
    return value
"""
TESTS = """import answer
from most import most


def test_below():
    assert most(3) == 3


def test_above():
    assert most(answer.ANSWER + 5) == answer.ANSWER
"""


def add_repo(house: House, name: str, **settings: Any) -> str:
    """A repo with a wheel in it: no network is needed."""
    folder = make_repo(house.root / "repos" / name, {"most.py": BUGGY, "test_most.py": TESTS})
    wheel, content = WHEEL
    (folder / "wheels").mkdir()
    (folder / wheel).write_bytes(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "with a wheel")
    added: dict[str, Any] = house.client.add_repo({"name": name, "cloneUrl": str(folder), **settings})
    return str(added["id"])


def mend(house: House, repo_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    body = {"repoId": repo_id, "prompt": "Mend the failing test.", "harness": "repair", "createBranch": True}
    started = house.client.start_run({**body, "checks": ["pytest -q"]})
    house.wait(started["runId"], 90)
    return assert_truthful(house, started["runId"]), house.events(started["runId"])


def test_a_repo_that_needs_a_package_is_mended_and_its_setup_kept(house: House) -> None:
    repo_id = add_repo(house, "demo/needs", setup=[FROM_WHEELS])
    for cached in (False, True):
        run, events = mend(house, repo_id)
        assert (run["status"], run["outcome"], run["verdict"]) == ("success", "completed", "verified"), run["error"]
        types = [event["type"] for event in events]
        assert types.index("setup_started") < types.index("setup_finished") < types.index("sandbox_ready")
        (finished,) = [event for event in events if event["type"] == "setup_finished"]
        assert (finished["payload"]["exitCode"], finished["payload"]["cached"]) == (0, cached)


def test_without_its_setup_the_same_repo_cannot_be_verified(house: House) -> None:
    run, events = mend(house, add_repo(house, "demo/needs-none"))
    assert run["status"] == "failed"
    assert not [event for event in events if event["type"].startswith("setup_")]


def test_a_setup_that_fails_is_the_outcome_and_its_output_can_be_read(house: House) -> None:
    run, events = mend(house, add_repo(house, "demo/breaks", setup=["echo half way", "no-such-program"]))
    assert (run["status"], run["outcome"]) == ("failed", "setup_failed")
    assert "exit code 127" in run["error"]
    assert "no-such-program" in run["error"].splitlines()[-1]
    (finished,) = [event for event in events if event["type"] == "setup_finished"]
    assert finished["payload"]["exitCode"] == 127
    assert "half way" in finished["payload"]["output"]
    (sandbox,) = [each for each in house.client.list_sandboxes()["sandboxes"] if each["run_id"] == run["runId"]]
    assert "half way" in house.client.get_sandbox_logs(sandbox["id"])["log"]
    assert "sandbox_ready" not in [event["type"] for event in events]
