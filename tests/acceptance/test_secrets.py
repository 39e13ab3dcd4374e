"""Secrets in a whole Mogplex: each phase gets its own, nothing that is kept or shown has any of them."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from tests.acceptance.house import SUCCESS, House, assert_truthful, git, make_repo
from tests.git_server import serving

VALUES = {"FOR_SETUP": "setup-7f3a9c0d11", "FOR_AGENT": "agent-7f3a9c0d22", "FOR_CHECKS": "checks-7f3a9c0d33"}
TOKEN = "git-7f3a9c0d44ab"
NAMES = " ".join(VALUES)
# Tells which of the secrets are there by what only their values give, and tries to say them outright.
TELL = (
    f'for name in {NAMES}; do eval "value=\\$$name"; echo "$name is <$value> $(printf %s "$value" | sha256sum)"; done'
)


def mark(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def told(text: str) -> set[str]:
    return {name for name, value in VALUES.items() if mark(value) in text}


def set_secret(house: House, repo: str, name: str, value: str, phase: str) -> subprocess.CompletedProcess[str]:
    path = house.root / "value"
    path.write_text(value + "\n")
    return house.cli("repos", "secrets", "set", repo, name, "--for", phase, "--value-file", str(path))


def test_each_phase_gets_its_own_and_nothing_that_is_kept_has_them(house: House) -> None:
    repo = house.add_repo("demo/secrets", setup=[TELL], checks=[TELL])
    for name, value in VALUES.items():
        set_secret(house, "demo/secrets", name, value, name.removeprefix("FOR_").lower())
    listed = house.cli("repos", "secrets", "list", "demo/secrets").stdout
    assert all(name in listed for name in VALUES)
    runs = []
    for _ in range(2):
        started = house.run_script(repo["id"], f"{TELL}\necho x >> clamp.py\n{SUCCESS}")
        house.wait(started["runId"])
        runs.append(assert_truthful(house, started["runId"]))
        assert runs[-1]["outcome"] == "completed", runs[-1]["error"]
        events = house.events(started["runId"])
        (setup,) = [event for event in events if event["type"] == "setup_finished"]
        assert setup["payload"]["cached"] is (len(runs) == 2)
        if len(runs) == 1:
            assert told(setup["payload"]["output"]) == {"FOR_SETUP"}
            assert "<[redacted]>" in setup["payload"]["output"]
        assert told("\n".join(event["message"] or "" for event in events if event["type"] == "log")) == {"FOR_AGENT"}
        checks = house.client.fetch(f"/runs/{started['runId']}/checks").body.decode()
        assert told(checks) == {"FOR_CHECKS"}
    set_secret(house, repo["id"], "FOR_SETUP", "setup-another-value", "setup")
    started = house.run_script(repo["id"], SUCCESS)
    finished = house.wait_for_event(started["runId"], "setup_finished")
    assert finished["payload"]["cached"] is False  # another value is another setup
    house.wait(started["runId"])
    house.stop()
    assert_nowhere(house, [*VALUES.values(), "setup-another-value"])
    house.start()


def test_a_private_remote_is_read_and_written_with_a_token_that_no_sandbox_sees(house: House) -> None:
    origin = make_repo(house.root / "served" / "work")
    git(origin.parent, "clone", "-q", "--bare", "work", "private.git")
    with serving(origin.parent, f"x-access-token:{TOKEN}") as remote:
        url = remote.url("private.git")
        refused = house.cli("repos", "add", url, check=False)
        assert "asks for credentials" in refused.stderr
        file = house.root / "token"
        file.write_text(TOKEN)
        house.cli("repos", "add", url, "--name", "demo/private", "--git-credential-file", str(file))
        file.unlink()
        repo = house.client.get_repo("demo/private")
        assert [(each["name"], each["phases"]) for each in repo["secrets"]] == [("GIT_CREDENTIAL", ["git"])]
        look = "env; cat .git/config /proc/*/environ /proc/*/cmdline 2> /dev/null | tr '\\0' '\\n'; git remote -v"
        started = house.run_script(repo["id"], f"{look}\necho x >> clamp.py\n{SUCCESS}", checks=["env"])
        run = house.wait(started["runId"])
        assert run["outcome"] == "completed", run["error"]
    branches = git(origin.parent / "private.git", "branch", "--list", run["branch"]["working"])
    assert run["branch"]["working"] in branches
    seen = str(house.events(started["runId"])) + house.client.fetch(f"/runs/{started['runId']}/checks").body.decode()
    assert "redacted" not in seen  # it was not there to be taken out
    house.stop()
    assert_nowhere(house, [TOKEN])
    house.start()


def assert_nowhere(house: House, values: list[str]) -> None:
    """No file of the server has a value in it: database, mirrors, results, logs."""
    for path in [*house.home.rglob("*"), *(house.root / "work").rglob("*"), house.log]:
        if path.is_file() and not path.is_symlink():
            content = Path(path).read_bytes()
            assert not [value for value in values if value.encode() in content], path
